"""The data dictionary: what readers can query, as the warehouse itself describes it."""

from collections.abc import Sequence
from dataclasses import dataclass

from retail_assets.dashboards.answers import Query, State, comments_of, states_of

NAME = "dictionary"
TITLE = "Data dictionary"
_LAYERS = ("mart_", "warehouse", "quality")
"""Schemas that begin so, in this order: readers start from the marts."""


@dataclass(frozen=True)
class Column:
    """A column, as SQL names it."""

    name: str
    type: str
    description: str


@dataclass(frozen=True)
class Table:
    """A table, with its columns in order, and how current it is, if that is kept."""

    name: str
    description: str
    state: State | None
    columns: Sequence[Column]


def tables(query: Query, comments: str) -> Sequence[Table]:
    """All tables of marts, warehouse and quality. `comments` is the warehouse's query for descriptions."""
    said, states = comments_of(query, comments), states_of(query)
    columns: dict[str, list[Column]] = {}
    for row in query(
        "select lower(table_schema || '.' || table_name) as named, lower(column_name) as column_named,"
        " lower(data_type) as data_typed from information_schema.columns"
        " order by named, ordinal_position"
    ).to_pylist():
        table, column, kind = row.values()
        # Columns that begin so are for the next run.
        if table.startswith(_LAYERS) and not column.startswith("_"):
            columns.setdefault(table, []).append(Column(column, kind, said.get((table, column), "")))
    return [
        Table(
            name,
            said.get((name, ""), ""),
            states.get(name),
            columns[name],
        )
        for layer in _LAYERS
        for name in sorted(columns)
        if name.startswith(layer)
    ]
