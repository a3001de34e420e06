"""What the simulation writes: the source systems, and the truths beside them."""
