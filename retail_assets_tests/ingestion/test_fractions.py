"""Quantities with fractions are kept to the last digit, and told when they first come in."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from decimal import Decimal

import pytest

from retail_assets_tests.ingestion.tables import days, table
from retail_assets_tests.ingestion.test_ingest import Platform, platform

__all__ = ["platform"]

_LINES = table(
    "weighed",
    {"line_id": "bigint", "kilos": "decimal(18,4)", "price": "decimal(19,4)", "modified_at": "timestamp"},
    system="crm",
    kind="sql",
    schema="raw_crm",
    modified=("modified_at",),
)
WEIGHED = replace(
    _LINES,
    columns=tuple(replace(each, is_quantity=each.name == "kilos") for each in _LINES.columns),
)


def say(platform: Platform, *kilos: object) -> None:
    """A line a day, from the second on, of so many kilos."""
    path = platform.settings.home / "sources" / "crm.sqlite"
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("create table if not exists weighed (line_id, kilos, price, modified_at)")
        database.execute("delete from weighed")
        database.executemany(
            "insert into weighed values (?, ?, 1.25, ?)",
            [(day, each, f"2024-01-{day:02} 10:00:00") for day, each in enumerate(kilos, 2)],
        )


def told(platform: Platform, day: int) -> list[str]:
    return [str(each) for each in platform.ingest(days(day), [WEIGHED]).fractions.get("weighed", ())]


@pytest.mark.parametrize("written", [0.75, "0.75", "0.750000"])
def test_a_fraction_is_kept_as_it_is(platform, written):
    say(platform, written, 3)
    platform.ingest(days(2, 3), [WEIGHED])
    kilos = platform.query("select kilos from raw_crm.weighed order by line_id")
    assert kilos == [(Decimal("0.75"),), (Decimal(3),)]


def test_it_is_told_when_the_first_ones_come_in(platform):
    say(platform, 4, 1.75, 0.5, 6)
    assert told(platform, 2) == []
    assert told(platform, 3) == [
        "kilos: 1 row has a fraction of a piece, such as 1.75. Quantities count as they are."
    ]
    # From then on it is known. A price of 1.25 never was a quantity.
    assert told(platform, 4) == told(platform, 5) == []


def test_a_days_fractions_are_counted(platform):
    say(platform, 4, -1.75, 0.5, 6)
    (said,) = platform.ingest(days(2, 5), [WEIGHED]).fractions["weighed"]
    assert (said.column, said.rows, said.example) == ("kilos", 2, Decimal("-1.75"))
