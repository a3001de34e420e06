"""The truths of the simulated world: what a pipeline must find again, kept away from it."""

from __future__ import annotations

import os
from pathlib import Path

import pyarrow.parquet as pq

from retail_assets.demo.retailer import Retailer


def write_truth(retailer: Retailer, folder: Path) -> None:
    """Write each table of `retailer.truth` as `<folder>/<name>.parquet`.

    Each file appears whole or not at all; missing folders are made.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in retailer.truth.items():
        unfinished = folder / f".{name}.parquet.{os.getpid()}.unfinished"
        try:
            pq.write_table(table, unfinished)
            unfinished.replace(folder / f"{name}.parquet")
        finally:
            unfinished.unlink(missing_ok=True)
