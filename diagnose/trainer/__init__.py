"""The bundled torch trainer: the only place that imports torch."""
