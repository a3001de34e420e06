"""`retail-assets quarantine`: a desk over the rows that are held back or refused."""
