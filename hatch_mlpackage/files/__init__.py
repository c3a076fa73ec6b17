"""Read, locate lines in, and replace files; fill templates; run programs. Knows nothing of models or images."""
