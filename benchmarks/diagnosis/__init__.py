"""How often ttsdoc and its peers name the right fault, and how often they cry wolf on a healthy run."""

import os

# The networks here are too small for threads to help: with two of them the trainings take 2.3 times the CPU time.
for _library in ("OPENBLAS", "OMP", "MKL"):
    os.environ.setdefault(f"{_library}_NUM_THREADS", "1")
