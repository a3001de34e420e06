"""What the first run would make of the sources, found out beforehand in a folder that is thrown away."""
