"""dbt's tests as checks on the models' assets. What they test stands beside the models, in dbt_project."""

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import dagster as dg

from retail_assets.catalog.project import Project
from retail_assets.catalog.translator import Translator
from retail_assets.resources.sessions import Session

# What a failed check has in its metadata: some of the rows, and the query for all of them.
FAILING_ROWS = "failing rows"
QUERY = "query"
ROWS_SHOWN = 5
TIMES = "_times"
LONGEST_VALUE = 60


def dbt_test_specs(
    project: Project, translator: Translator, models: Mapping[str, dg.AssetSpec]
) -> Iterator[tuple[str, dg.AssetCheckSpec]]:
    """One check for each test of these models, with the test's unique id."""
    for unique_id, node in project.manifest["nodes"].items():
        tested = node["attached_node"] if node["resource_type"] == "test" else None
        if tested and tested in models:
            check = translator.get_asset_check_spec(models[tested], project.manifest, unique_id, None)
            if check:
                yield unique_id, check._replace(description=title(node))


def title(test: Mapping[str, Any]) -> str:
    """What a test asks, in short: its own description, else its kind and what it looks at."""
    if test.get("description"):
        return str(test["description"])
    arguments = test["test_metadata"]["kwargs"]
    named = [
        _plain(value)
        for name, value in arguments.items()
        if name not in ("model", "model_name") and isinstance(value, str)
    ]
    said = ", ".join(dict.fromkeys(named))
    return f"{test['test_metadata']['name']}{f' ({said})' if said else ''}"


def failing_rows(
    personal: Collection[str], execute: Session, sql: str
) -> Mapping[str, dg.MetadataValue[Any]]:
    """The query of a test that failed, and some of the rows that it finds, without personal data."""
    told: dict[str, dg.MetadataValue[Any]] = {QUERY: dg.MetadataValue.md(f"```sql\n{sql.strip()}\n```")}
    try:
        # Some tests find a value once for each row that has it: five times the same says no more than once.
        rows = execute.read(f"""
            select *, count(*) as {TIMES} from ({sql}) as failing
            group by all order by {TIMES} desc limit {ROWS_SHOWN}
        """).to_pylist()
    except Exception:
        # That the check failed is told in any case.
        return told
    if rows:
        told[FAILING_ROWS] = dg.MetadataValue.text("\n".join(_line(row, personal) for row in rows))
    return told


def _line(row: Mapping[str, Any], personal: Collection[str]) -> str:
    said = ", ".join(
        f"{name}={'(personal)' if name in personal and value is not None else _short(value)}"
        for name, value in row.items()
        if name != TIMES
    )
    return f"{said} ({row[TIMES]:,} times)" if row[TIMES] > 1 else said


def _short(value: Any) -> str:
    text = "null" if value is None else str(value)
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}..."


def _plain(argument: str) -> str:
    """`stg_orders` of `ref('stg_orders')`."""
    called = re.fullmatch(r"(?:ref|source)\((.*)\)", argument)
    return ".".join(re.findall(r"'([^']*)'", called[1])) if called else argument
