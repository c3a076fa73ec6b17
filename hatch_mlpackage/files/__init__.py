"""Read files, find lines in them and replace them; fill templates; run programs.

Nothing here knows about models or images.
"""
