"""The same diagnosis while a run lasts: watched, remembered, healed, compared."""
