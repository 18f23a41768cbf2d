"""Do the cures cure? Faulty trainings of the bundled trainer, treated in several ways, against a healthy reference."""
