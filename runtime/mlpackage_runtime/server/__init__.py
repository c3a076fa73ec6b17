"""The HTTP side: Starlette and uvicorn, in an environment of their own."""
