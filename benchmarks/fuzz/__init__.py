"""Random and mutated inputs for everything that reads what others wrote."""
