"""Check the entry script and what it imports, from their text alone: nothing of the user's code runs."""
