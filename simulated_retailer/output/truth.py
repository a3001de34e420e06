"""The truths: what a pipeline must find again, written where it does not read."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq

from simulated_retailer.output.atomic import atomic_write
from simulated_retailer.simulation import Retailer


def write_truth(retailer: Retailer, folder: Path) -> None:
    """Write each table of `retailer.truth` as `<folder>/<name>.parquet`.

    Each file appears whole or not at all; missing folders are made.
    """
    for name, table in retailer.truth.items():
        with atomic_write(folder / f"{name}.parquet") as unfinished:
            pq.write_table(table, unfinished)
