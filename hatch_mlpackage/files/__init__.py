"""Read, search and replace files, fill templates and run programs, without any knowledge of models or images."""
