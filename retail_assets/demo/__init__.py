"""The simulated retailer: six source systems whose truths are known.

    retailer = simulate(consumers=2000, days=365, start=date(2024, 1, 1))
    write_sources(retailer, Path("sources"))
    write_truth(retailer, Path("truth"))

Same arguments, same bytes: nothing here reads the clock or the machine.
"""

from retail_assets.demo.retailer import Retailer, simulate
from retail_assets.demo.sources import write_sources
from retail_assets.demo.sqlite import write_sqlite
from retail_assets.demo.truth import write_truth

__all__ = ["Retailer", "simulate", "write_sources", "write_sqlite", "write_truth"]
