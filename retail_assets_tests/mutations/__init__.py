"""Faults planted into the code on demand, to see that the law that they break notices: `make mutations`."""
