"""The bundled trainer: a small text-to-speech model that really speaks. The only place that imports torch."""
