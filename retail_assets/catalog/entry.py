"""What the dbt project says of a model or source to Dagster."""

from collections.abc import Mapping
from typing import Any

from retail_assets.errors import UserError


class CatalogError(UserError):
    """A node of the dbt project lacks something that every asset has."""


def catalog_entry(node: Mapping[str, Any]) -> Mapping[str, Any]:
    """`meta.dagster` of a model or source. Raises `CatalogError` if something is not there."""
    meta = {**node.get("source_meta", {}), **node.get("config", {}).get("meta", {})}
    entry: Mapping[str, Any] = meta.get("dagster", {})
    missing = [key for key in ("group", "partition", "freshness", "owners") if key not in entry]
    if missing:
        raise CatalogError(
            f"{node['unique_id']}: meta.dagster has no {', '.join(missing)}. Give it in"
            " dbt_project.yml for the folder, or beside the model."
        )
    return entry
