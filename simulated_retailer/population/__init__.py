"""Who the customers are, where they live, when they come and go, and what they want."""
