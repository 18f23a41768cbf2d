"""How often ttsdoc and its peers name the right fault, and how often they cry wolf on a healthy run."""
