"""Runs of known condition, and how often ttsdoc is right about them."""
