"""Run what was packaged: the server on this machine, container engines, and probes of its health.

Order: copies, interpreter < locked < layout, locked_environment.
"""
