"""Data shipped with ttsdoc: loss targets, config dialects, log formats, stable configs. YAML only."""
