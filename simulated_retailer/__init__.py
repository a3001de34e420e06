"""The simulated retailer: six source systems whose truths are known.

    retailer = simulate(consumers=2000, days=365, start=date(2024, 1, 1))
    write_sources(retailer, Path("sources"))
    write_truth(retailer, Path("truth"))

Same arguments, same bytes: nothing here reads the clock or the machine.
"""

from simulated_retailer.output.sources import write_sources
from simulated_retailer.output.sqlite import write_sqlite
from simulated_retailer.output.truth import write_truth
from simulated_retailer.simulation import Retailer, simulate

__all__ = ["Retailer", "simulate", "write_sources", "write_sqlite", "write_truth"]
