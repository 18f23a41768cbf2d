"""Rules on logs: what the curves of a run show."""
