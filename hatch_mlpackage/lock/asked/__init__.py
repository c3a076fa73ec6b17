"""Read what a project asks pip for, in requirement files, inline, and through its entry script and model."""
