"""Stands in for a package of azureml; see the folder that holds it."""
