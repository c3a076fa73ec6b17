"""Open the file of a model that is declared by URL, and refuse every way by which it could come from elsewhere.

Order: addresses, paced < web < stores.
"""
