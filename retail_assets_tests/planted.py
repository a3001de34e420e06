"""Small warehouses whose rows stand in the tests."""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any, ClassVar

import duckdb

from retail_assets.resources.sessions import DuckDBSession

MONDAY = date(2024, 5, 6)
NOBODY = NOWHERE = "0" * 32

Tables = Mapping[str, Mapping[str, str]]
"""Columns with their types, by the table's name with its schema."""


def day(week: int, weekday: int = 0) -> str:
    """A day by its week's number, 0 being that of `MONDAY`, and its place in the week."""
    return str(MONDAY + timedelta(weeks=week, days=weekday))


class PlantedWarehouse:
    """Tables with the columns that something reads."""

    tables: ClassVar[Tables]

    def __init__(self) -> None:
        self.connection = duckdb.connect()
        self.execute = DuckDBSession(self.connection)
        for schema in {name.split(".")[0] for name in self.tables}:
            self.execute(f"create schema {schema}")
        for name, columns in self.tables.items():
            declared = ", ".join(f"{column} {type_}" for column, type_ in columns.items())
            self.execute(f"create table {name} ({declared})")

    def add(self, name: str, rows: Iterable[Iterable[Any]]) -> None:
        """Add rows to a table, by the end of its name."""
        (full,) = [each for each in self.tables if each.endswith(f".{name}")]
        written = ", ".join(
            "("
            + ", ".join(
                "null" if value is None else f"cast('{value}' as {type_})"
                for value, type_ in zip(row, self.tables[full].values(), strict=True)
            )
            + ")"
            for row in rows
        )
        if written:
            self.execute(f"insert into {full} values {written}")
