"""How fast and how lean event files are read, beside TensorBoard's reader, tbparse, rustboard and cat."""
