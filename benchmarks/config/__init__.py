"""How many real configs ttsdoc understands, and whether each of its edits holds for every loader."""
