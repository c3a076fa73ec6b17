"""Run the command line: each verb parses, calls one function and prints; program.py lists them."""
