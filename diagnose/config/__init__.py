"""Training configs: read in place, understood by dialect, edited byte by byte."""
