"""Diagnoses as text, JSON and Markdown."""
