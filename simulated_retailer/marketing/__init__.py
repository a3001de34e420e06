"""The marketing system: channels, campaigns and what they reach, offers and audiences."""
