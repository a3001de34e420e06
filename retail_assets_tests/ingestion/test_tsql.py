"""What SQL Server is asked for each table of the contract, against the text that is stored in contract.tsql.

Where a query changes on purpose, `python -m retail_assets_tests.ingestion.test_tsql` writes that again: read
the difference.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import mssql

from retail_assets.catalog.contract import SourceTable, source_tables
from retail_assets.catalog.project import Project
from retail_assets.ingestion.sql_source import SqlSource
from retail_assets.ingestion.sqlserver import Column
from retail_assets.settings import SYSTEMS, settings
from retail_assets.windows import Window

STORED = Path(__file__).with_name("contract.tsql")
WINDOW = Window(datetime(2024, 3, 1, tzinfo=UTC), datetime(2024, 3, 2, tzinfo=UTC))
LOADED_AT = datetime(2024, 3, 2, 1, tzinfo=UTC)
_TYPES: Mapping[str, sa.types.TypeEngine[Any]] = {
    "bigint": sa.BIGINT(),
    "boolean": mssql.BIT(),
    "date": sa.DATE(),
    "double": sa.FLOAT(),
    "timestamp": mssql.DATETIME2(),
    "varchar": sa.NVARCHAR(),
}


class _AsContracted:
    """A database that has the contract's tables under the contract's names."""

    def __init__(self, tables: list[SourceTable]):
        self._tables = [each.source_table.rpartition(".")[::2] for each in tables]
        self._columns = {each.source_table: each.columns for each in tables}

    def names(self, schema: str | None) -> list[str]:
        return [name for place, name in self._tables if place == (schema or "")]

    def columns(self, name: str, schema: str | None) -> list[Column]:
        return [
            Column(column.source_name, _TYPES.get(column.data_type, sa.DECIMAL()))
            for column in self._columns[f"{schema}.{name}" if schema else name]
        ]

    def actual_schema(self, schema: str | None) -> str | None:
        return schema


def queries(manifest: Mapping[str, Any]) -> dict[str, str]:
    """The T-SQL of each table's rows for one day, by `system.table`."""
    found = {}
    for system in SYSTEMS:
        source: Any = SqlSource(system, "mssql+pymssql://host/Shop")
        tables = [source.mapping.described(each, "sql") for each in source_tables(manifest, system)]
        source._tables = _AsContracted(tables)
        source._has_parent = lambda *_: "true"
        for each in tables:
            table = source.locate(each).table
            located = source._located[each.name]
            query = source._query(located, table.columns)
            if table.load == "window":
                query, _ = source._in_scope(query, located, table, source._scope(table, WINDOW, LOADED_AT))
            text = query.compile(source._engine, compile_kwargs={"literal_binds": True})
            found[f"{system}.{each.name}"] = re.sub(r" +\n", "\n", str(text))
    return found


def stored() -> dict[str, str]:
    """The same as it is stored."""
    parts = re.split(r"^-- (\S+)\n", STORED.read_text(), flags=re.MULTILINE)[1:]
    return {name: text.strip() for name, text in zip(parts[::2], parts[1::2], strict=True)}


@pytest.fixture(scope="module")
def asked(manifest):
    """What would be asked today."""
    return queries(manifest)


def test_every_table_is_stored(asked):
    assert list(stored()) == list(asked)


@pytest.mark.parametrize("name", stored() if STORED.exists() else [])
def test_a_query_is_the_one_that_is_stored(asked, name):
    assert asked.get(name) == stored()[name]


if __name__ == "__main__":
    texts = queries(Project(settings()).manifest)
    STORED.write_text("\n".join(f"-- {name}\n{text}\n" for name, text in texts.items()))
