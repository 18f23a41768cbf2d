"""Trainings that are still running: watched, alerted of, started again."""
