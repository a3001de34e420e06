"""The inventory system: distribution centers, stock levels, movements and purchase orders."""
