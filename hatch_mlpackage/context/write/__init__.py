"""Put files into a context: as a folder, beside its place first, or as a tar."""
