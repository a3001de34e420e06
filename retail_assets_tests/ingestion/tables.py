"""Small contracts, and files in their layout."""

import csv
import gzip
import io
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from retail_assets.catalog.contract import SourceColumn, SourceTable
from retail_assets.windows import Window


def table(name: str, columns: Mapping[str, str], **changes: Any) -> SourceTable:
    """A table of the web shop, read by window, whose first column is its key."""
    values: dict[str, Any] = {
        "system": "webshop",
        "kind": "files",
        "name": name,
        "schema": "raw_webshop",
        "source_table": name,
        "description": "",
        "primary_key": (next(iter(columns)),),
        "modified": (),
        "load": "window",
        "columns": tuple(SourceColumn(*each, "", each[0] == "email") for each in columns.items()),
        "parent": None,
        "unique_id": f"source.{name}",
    }
    return SourceTable(**values | changes)


ORDERS = table(
    "orders",
    {
        "order_id": "bigint",
        "status": "varchar",
        "amount": "decimal(19,4)",
        "created_at": "timestamp",
        "shipped_at": "timestamp",
    },
    modified=("created_at", "shipped_at"),
)
PRODUCTS = table("products", {"id": "bigint", "name": "varchar", "price": "decimal(19,4)"})
USERS = table(
    "users", {"id": "bigint", "email": "varchar", "created_at": "timestamp"}, modified=("created_at",)
)
PLACES = table(
    "places",
    {"country": "varchar", "state": "varchar", "latitude": "double"},
    primary_key=("country", "state"),
    load="snapshot",
)


def days(first: int, last: int | None = None) -> Window:
    """Days of January 2024, both included."""
    return Window(datetime(2024, 1, first, tzinfo=UTC), datetime(2024, 1, (last or first) + 1, tzinfo=UTC))


def at(day: int, hour: int = 0, minute: int = 0) -> datetime:
    """A moment of January 2024 as raw has it: UTC, without saying so."""
    return datetime(2024, 1, day, hour, minute, tzinfo=UTC).replace(tzinfo=None)


def order(
    order_id: int | str, created: str, shipped: str = "", status: str = "Complete", amount: str = "10.5"
) -> dict[str, Any]:
    """A row of ORDERS."""
    return {
        "order_id": order_id,
        "status": status,
        "amount": amount,
        "created_at": created,
        "shipped_at": shipped,
    }


def text_of(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows as CSV."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def write(path: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    """Rows as a file of the kind that its name says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text_of(rows).encode(), mtime=0))
    elif path.suffix == ".parquet":
        plain = write(path.with_suffix(".csv"), rows)
        duckdb.sql(f"copy (from read_csv('{plain}', delim = ',', hive_partitioning = false)) to '{path}'")
        plain.unlink()
    else:
        path.write_text(text_of(rows))
    return path
