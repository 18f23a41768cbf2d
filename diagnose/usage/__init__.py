"""Which keys of a config a trainer reads: by its source (`source`), or by watching it (`trace`)."""
