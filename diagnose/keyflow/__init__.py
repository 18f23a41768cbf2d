"""Which config keys a trainer reads: by reading its source, or by watching it run."""
