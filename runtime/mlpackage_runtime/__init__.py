"""The scoring runtime: a server that speaks HTTP, and workers that own the model."""
