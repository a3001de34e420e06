"""Tables that Python writes week by week: a week's rows are replaced whole, and the other weeks stay."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from retail_assets.resources.comments import Description, Execute
from retail_assets.resources.sql import literal, monday

Columns = Mapping[str, tuple[str, str]]
"""Of each column its type and its description."""

WEEK: Columns = {"week_start": ("date", "The week's Monday.")}


def weeks_later(week: str, weeks: int) -> str:
    """The Monday of so many weeks later, or before."""
    return (date.fromisoformat(week) + timedelta(weeks=weeks)).isoformat()


@dataclass(frozen=True)
class WeeklyTables:
    """The tables of a schema, by name; the first column of each is `week_start`."""

    schema: str
    columns: Mapping[str, Columns]

    def table(self, name: str) -> str:
        """A table with its schema."""
        return f"{self.schema}.{name}"

    def create(self, execute: Execute) -> None:
        """Create what is not there."""
        execute(f"create schema if not exists {self.schema}")
        for name, columns in self.columns.items():
            declared = ", ".join(f"{column} {type_}" for column, (type_, _) in columns.items())
            execute(f"create table if not exists {self.table(name)} ({declared})")

    def count_rows(self, execute: Execute) -> Mapping[str, int]:
        """How many rows each of the tables has, over all weeks."""
        counts = " union all ".join(
            f"select '{name}', count(*) from {self.table(name)}" for name in self.columns
        )
        return {name: int(rows) for name, rows in execute(counts)}

    def delete_week(self, execute: Execute, week: str) -> None:
        """Remove the week from all tables."""
        for name in self.columns:
            execute(f"delete from {self.table(name)} where week_start = {monday(week)}")

    def insert_rows(self, execute: Execute, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Add a few rows, each with every column of the table."""
        if not rows:
            return
        columns = self.columns[name]
        values = ", ".join(
            "("
            + ", ".join(f"cast({literal(row[column])} as {type_})" for column, (type_, _) in columns.items())
            + ")"
            for row in rows
        )
        execute(f"insert into {self.table(name)} ({', '.join(columns)}) values {values}")

    def described(self, texts: Mapping[str, str]) -> Iterator[Description]:
        """The tables with these descriptions, and their columns, for whoever reads them."""
        for name, text in texts.items():
            columns = {column: description for column, (_, description) in self.columns[name].items()}
            yield Description(self.schema, name, is_view=False, text=text, columns=columns)
