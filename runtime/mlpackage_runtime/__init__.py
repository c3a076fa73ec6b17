"""Score over HTTP: a server that speaks HTTP, and workers that own the model."""
