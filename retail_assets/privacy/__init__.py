"""Forgetting a person: in raw, in everything that is made of it, and in all copies."""
