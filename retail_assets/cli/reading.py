"""`retail-assets sql`: a query, and what somebody should know who reads its answer."""

import re
from collections.abc import Iterator
from typing import Any

from retail_assets.quality.table_states import TABLE
from retail_assets.resources.warehouse import Warehouse, WarehouseError
from retail_assets.settings import Settings


def answer(warehouse: Warehouse, statement: str, settings: Settings) -> Any:
    """The result of a query. Raises `WarehouseError`; it says why if there is no such table here."""
    try:
        return warehouse.query(statement)
    except WarehouseError as error:
        told = list(_not_taken_in(statement, settings)) if "does not exist" in str(error) else []
        if told:
            raise WarehouseError("\n".join(told)) from None
        raise


def remarks(warehouse: Warehouse, statement: str) -> Iterator[str]:
    """One sentence for each table of the query that is not of the newest day."""
    try:
        states = warehouse.query(f"select * from {TABLE} where state <> 'current'").to_pylist()
    except WarehouseError:
        return
    for state in sorted(states, key=lambda each: each["table_name"]):
        if _mentions(statement, state["table_name"]):
            as_of = f"as of {state['as_of']}" if state["as_of"] else "empty"
            yield f"{state['table_name']} is {as_of} ({state['state']}): {state['why']}"


def _not_taken_in(statement: str, settings: Settings) -> Iterator[str]:
    from retail_assets.catalog.presence import presence, systems_behind, table_of
    from retail_assets.catalog.project import Project

    manifest = Project(settings).manifest
    for unique_id in sorted(presence(manifest, settings.systems).absent):
        if unique_id.startswith("test."):
            continue
        if _mentions(statement, table := table_of(manifest, unique_id)):
            systems = systems_behind(manifest, unique_id, settings.systems)
            yield (
                f"{table} is not there: it needs {' or '.join(systems)}."
                " Add it to RETAIL_SOURCES, and the next run builds it."
            )


def _mentions(statement: str, table: str) -> bool:
    schema, name = (re.escape(part) for part in table.split("."))
    return bool(re.search(rf'\b{schema}"?\s*\.\s*"?{name}\b', statement, re.IGNORECASE))
