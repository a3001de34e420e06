"""`retail-assets demo`: the simulated retailer's sources, built whole, and the answers from the marts."""
