"""Empty raw tables, as the ingestion would have made them: for tests that begin after it."""

from collections.abc import Mapping
from typing import Any

from retail_assets.catalog.contract import ADDED_COLUMNS


def create_raw_tables_sql(manifest: Mapping[str, Any]) -> list[str]:
    """Statements that create the manifest's sources, empty, with the columns that raw adds."""
    sources = manifest["sources"].values()
    schemas = [f"create schema if not exists {name}" for name in {node["schema"]: None for node in sources}]
    return [*schemas, *(_create_table(node) for node in sources)]


def _create_table(node: Mapping[str, Any]) -> str:
    declared = {column["name"]: column["data_type"] for column in node["columns"].values()}
    columns = ", ".join(f"{name} {data_type}" for name, data_type in {**declared, **ADDED_COLUMNS}.items())
    return f"create table if not exists {node['schema']}.{node['identifier']} ({columns})"
