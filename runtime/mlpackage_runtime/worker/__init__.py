"""Run the entry script that owns the model, in the user's environment, with the standard library alone."""
