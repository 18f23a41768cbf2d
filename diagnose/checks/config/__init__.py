"""Rules on a config, before anyone trains."""
