"""The command line: each verb parses, calls one function and prints; see program.py for the list."""
