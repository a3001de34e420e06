"""Raw tables filled with a simulated retailer's rows, for tests of the models alone."""

from collections.abc import Sequence
from datetime import date

import duckdb

from retail_assets.catalog.contract import SourceColumn, SourceTable, source_tables
from retail_assets_tests.transformation.dbt_on_raw import DbtOnRaw
from simulated_retailer import Retailer

SYSTEMS = ("erp", "webshop", "crm", "inventory", "marketing")


def fill_raw(dbt: DbtOnRaw, retailer: Retailer, until: date | None = None) -> None:
    """Every version of every row, as if each had been read when it was new; deleted rows are marked so.

    Replaces what is in raw. With `until`, as it was at the beginning of that day.
    """
    with duckdb.connect(dbt.settings.duckdb_path) as connection:
        for system in SYSTEMS:
            for table in source_tables(dbt.project.manifest, system):
                _fill(connection, retailer, system, table, until or date.max)


def _fill(
    connection: duckdb.DuckDBPyConnection, retailer: Retailer, system: str, table: SourceTable, until: date
) -> None:
    versions = retailer.versions[system].get(table.source_table.split(".")[-1])
    if versions is None:
        return
    names = versions.schema.names
    since = next(column for column in ("_since", "ModifiedDate", "modified_at") if column in names)
    source_names = {column.name: _name(names, column.source_name) for column in table.columns}
    key = ", ".join(f'"{source_names[column]}"' for column in table.primary_key)
    columns = ", ".join(
        f'"{name}"' if (name := source_names[column.name]) else _stand_in(column) for column in table.columns
    )
    of_a_row = f'partition by {key} order by "{since}"'
    connection.register("versions", versions)
    connection.execute(f"delete from raw_{system}.{table.name}")
    connection.execute(
        f"""
        insert into raw_{system}.{table.name} by position
        select {columns}, "{since}", "{since}", "{since}",
            row_number() over (),
            case
                when _until < coalesce(lead("{since}") over ({of_a_row}), 'infinity')
                    and _until < $until then _until end
        from versions
        where "{since}" < $until
        """,
        {"until": until},
    )


def _name(names: Sequence[str], wanted: str) -> str | None:
    """A column's name in the simulation, which the contract has in snake_case; None if it has none."""
    return next((name for name in names if name.replace("_", "").lower() == wanted.replace("_", "")), None)


def _stand_in(column: SourceColumn) -> str:
    return "null" if column.default is None else f"'{column.default}'"
