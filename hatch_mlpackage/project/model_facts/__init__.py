"""Read what a trained model's file says of itself, without loading it.

The bytes alone are read: no framework is imported, nothing is unpickled and no program in the file runs.
"""
