"""How many dead keys of real configs are found, and whether a live one is accused."""
