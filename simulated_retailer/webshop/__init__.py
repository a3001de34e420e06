"""The web shop, in the layout of TheLook, Looker's public data set of an online shop."""
