"""Read Dockerfiles that users bring: one that ends with the base image, and lines to add to the image."""
