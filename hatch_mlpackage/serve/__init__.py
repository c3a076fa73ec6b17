"""Run what was packaged: the server on this machine, container engines, and probes of its health."""
