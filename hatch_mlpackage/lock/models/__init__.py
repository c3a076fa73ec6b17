"""Fetch models that are declared by URL, and record which bytes they were."""
