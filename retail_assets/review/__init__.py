"""Reviewing a change before it is deployed: what it does to the tables, on copies of the warehouse."""
