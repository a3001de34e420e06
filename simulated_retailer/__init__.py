"""A simulated retailer: five source systems with known truths, from a seed.

    retailer = simulate(consumers=2000, days=365, start=date(2024, 1, 1))
    write_sources(retailer, Path("sources"))
    write_truth(retailer, Path("truth"))

The same arguments give the same bytes. Nothing here reads the clock, the machine or the environment.
The package knows nothing of what reads its sources; `retail_assets demo`, tests and benchmarks use both.

**How it works.** `simulate` does not step through the days. It first draws everything that ever happens:
who the customers are, what they order and when, when an order is shipped, corrected or returned. Each of
these is an array with one value per customer, order or line, and times are part of it. From these arrays it
makes every *version* of every row: what the row looks like, from when (its last change) and until when
(`_until`). A system at any time is then a filter over its versions, so sources that are written every
evening and sources that are written once agree.

**A day.** `write_sources(retailer, folder, as_of)` writes the systems as they stood just before `as_of`.
Databases are replaced; the web shop adds the files of the days that have ended. What a day changed is
what differs between two evenings: new rows, late corrections to old ones, and deletions.

**Truths and faults.** `Retailer.truth` holds what a pipeline must find again: who is the same person in
which system, the uplift of each offer, which click an order is owed to, stock at the end of each day. It
also lists the planted faults: a few rows in each system are wrong, and a few files late, cut or missing.

**What is where.**

- `simulation`: `simulate`, from a seed to all versions of all tables, and `Retailer`, the result
- `erp`: customers, stores, products, prices, special offers, orders and returns, in the layout of
  Microsoft's AdventureWorks sample (SQLite)
- `webshop`: users, catalogue, orders, single pieces of stock and page visits, in the layout of Looker's
  TheLook data set (a file per table and day: CSV, compressed CSV, Parquet)
- `crm`: consumers, what they tell the service desk, and loyalty points (SQLite)
- `inventory`: distribution centers, stock levels, movements and purchase orders (SQLite)
- `marketing`: channels, campaigns, touches, offers and their redemptions, audiences (SQLite)
- `population`: the people behind all systems, where they live, when they leave, what they want to buy; the
  retailer's shops, which are a file beside the systems
- `sales`: orders of both channels in one shape, for the systems that follow from sales
- `engine`: time, randomness, arrays, table layouts, versions of rows, faults
- `output`: writes the sources and the truths
- `living`: a retailer with a history, who lives on day by day; `news`: what happened in some days
- `systems`: the five systems by name, with their tables, columns and keys

In a system's package, `schema` has the columns and `tables` makes all tables. The other modules each
simulate the part that they are named after.
"""

from simulated_retailer.living import LivingRetailer, live
from simulated_retailer.news import News, WrongRow, news_of
from simulated_retailer.output.sources import write_sources
from simulated_retailer.output.sqlite import write_sqlite
from simulated_retailer.output.truth import write_truth
from simulated_retailer.simulation import Retailer, simulate
from simulated_retailer.systems import SYSTEMS

__all__ = [
    "SYSTEMS",
    "LivingRetailer",
    "News",
    "Retailer",
    "WrongRow",
    "live",
    "news_of",
    "simulate",
    "write_sources",
    "write_sqlite",
    "write_truth",
]
