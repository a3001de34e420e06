"""The inventory system: distribution centers, their stock, its movements and its purchase."""
