"""Check the entry script and what it imports, from their text alone, without running any user code."""
