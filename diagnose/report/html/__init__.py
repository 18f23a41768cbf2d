"""One self-contained page: looked at in a browser, kept, sent. No network, no code from data."""
