"""The data set: make, import, merge, split, augment and judge clips and their texts."""
