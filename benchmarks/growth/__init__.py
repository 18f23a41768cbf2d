"""How the time to read grows with the input."""
