"""Serve HTTP with Starlette and uvicorn, in an environment of the server's own."""
