"""The side that owns the model: standard library only, in the user's environment."""
