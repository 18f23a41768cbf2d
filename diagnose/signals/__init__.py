"""What curves show, measured: no threshold, no severity, no word to the user."""
