"""Rules on the clips of a data set."""
