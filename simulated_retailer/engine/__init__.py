"""How anything is simulated: time, randomness, arrays, table layouts, versions of rows, and faults."""
