"""Run what was packaged: the server on this machine, container engines, and probes of its health.

Order: copies, example, interpreter, watched < locked < layout, locked_environment < start_times.
"""
