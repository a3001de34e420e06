"""Writes the file of shops."""

from __future__ import annotations

import csv
from pathlib import Path

from simulated_retailer.output.atomic import atomic_write
from simulated_retailer.population.shops import SHOPS, Shop

FOLDER = "geo"


def write_shops(folder: Path) -> None:
    """Write `shops.csv`, unless it is there: like the shops, it is the same for ever."""
    path = folder / "shops.csv"
    if path.exists():
        return
    with atomic_write(path) as unfinished, unfinished.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(Shop._fields)
        writer.writerows(SHOPS)
