"""Raw tables filled with a simulated retailer's rows, for tests of the models alone."""

from collections.abc import Sequence

import duckdb

from retail_assets.demo import Retailer
from retail_assets.ingestion.contract import SourceTable, source_tables
from retail_assets_tests.transformation.dbt_on_raw import DbtOnRaw

SYSTEMS = ("erp", "webshop", "crm", "inventory", "marketing")


def fill_raw(dbt: DbtOnRaw, retailer: Retailer, systems: Sequence[str] = SYSTEMS) -> None:
    """Every version of every row, as if each had been read when it was new; deleted rows are marked so."""
    with duckdb.connect(dbt.settings.duckdb_path) as connection:
        for system in systems:
            for table in source_tables(dbt.project.manifest, system):
                _fill(connection, retailer, system, table)


def _fill(connection: duckdb.DuckDBPyConnection, retailer: Retailer, system: str, table: SourceTable) -> None:
    versions = retailer.versions[system]
    name = table.source_table.split(".")[-1]
    connection.register("versions", versions[name])
    since = next(
        column
        for column in ("_since", "ModifiedDate", "modified_at")
        if column in versions[name].schema.names
    )
    sources = {column.name: column.source_name for column in table.columns}
    key = ", ".join(
        f'"{_name(versions[name].schema.names, sources[column])}"' for column in table.primary_key
    )
    columns = ", ".join(f'"{_name(versions[name].schema.names, source)}"' for source in sources.values())
    connection.execute(
        f"""
        insert into raw_{system}.{table.name} by position
        select {columns}, "{since}", "{since}", "{since}", row_number() over (),
            case when _until < coalesce(lead("{since}") over (partition by {key} order by "{since}"), 'infinity')
                then _until end
        from versions
        """
    )


def _name(names: Sequence[str], wanted: str) -> str:
    """A column's name in the simulation, which the contract has in snake_case."""
    return next(name for name in names if name.replace("_", "").lower() == wanted.replace("_", "").lower())
