"""Writes the source systems: SQLite databases, the web shop's folder of files, and the file of shops."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from simulated_retailer.engine.timestamps import to_microseconds
from simulated_retailer.output.shops import FOLDER as SHOPS
from simulated_retailer.output.shops import write_shops
from simulated_retailer.output.sqlite import write_sqlite
from simulated_retailer.simulation import Retailer
from simulated_retailer.systems import SYSTEMS
from simulated_retailer.webshop.drops import write_drops
from simulated_retailer.webshop.schema import WEBSHOP


def write_sources(
    retailer: Retailer,
    folder: Path,
    as_of: datetime | None = None,
    systems: Iterable[str] | None = None,
) -> None:
    """Write the named systems (None: all) as they stood just before `as_of` (UTC; None: at the end).

    The web shop is `webshop/<table>/<day>.<csv|csv.gz|parquet>`, the list of shops `geo/shops.csv`, every
    other system `<name>.sqlite`. Each file appears whole or not at all. Databases are replaced; drops are
    only added, as `as_of` grows: a folder belongs to one retailer.
    """
    moment = retailer.period.end if as_of is None else to_microseconds(as_of)
    for name in (*SYSTEMS, SHOPS) if systems is None else systems:
        if name == SHOPS:
            write_shops(folder / name)
            continue
        system = SYSTEMS[name]
        if system is WEBSHOP:
            tables = retailer.versions[name]
            write_drops(retailer.period, tables, retailer.truth["drops"], folder / name, moment)
        else:
            write_sqlite(retailer, folder / f"{name}.sqlite", as_of=as_of, system=system)
