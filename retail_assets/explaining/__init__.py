"""`retail-assets explain`: from a row to its story, and from a figure to its rows."""
