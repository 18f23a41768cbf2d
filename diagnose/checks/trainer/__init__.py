"""Rules on a trainer: which keys of the config it reads."""
