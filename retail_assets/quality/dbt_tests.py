"""dbt's tests as checks on the models' assets. What they test stands beside the models, in dbt_project."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg

from retail_assets.catalog.project import Project
from retail_assets.catalog.translator import Translator


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


def _plain(argument: str) -> str:
    """`stg_orders` of `ref('stg_orders')`."""
    called = re.fullmatch(r"(?:ref|source)\((.*)\)", argument)
    return ".".join(re.findall(r"'([^']*)'", called[1])) if called else argument
