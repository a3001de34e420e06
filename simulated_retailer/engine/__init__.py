"""How the simulation works, whatever is simulated: time, randomness, table layouts, versions of rows, faults."""
