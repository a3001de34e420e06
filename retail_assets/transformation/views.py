"""Views that a run need not create again, since they exist and have not changed.

Views of changed models have already been replaced when a run starts: the record of the home has what each
model was made from (deployment/upgrade.py).
"""

from collections.abc import Collection, Mapping, Set
from typing import Any

from retail_assets.catalog.presence import table_of
from retail_assets.resources.warehouse import Execute


def standing(
    manifest: Mapping[str, Any], chosen: Collection[str], relations: Set[str], execute: Execute
) -> Set[str]:
    """Of the chosen models, by unique id, the views of raw's tables that are there, if all can be read."""
    views = {
        each for each in chosen if _is_view_of_raw(manifest, each) and table_of(manifest, each) in relations
    }
    # A view follows its columns to another type, and cannot be read any more when one is gone.
    reads = (f"(select 1 from {table_of(manifest, each)} where 1 = 0)" for each in sorted(views))
    try:
        execute(" union all ".join(["select 1 where 1 = 0", *reads]))
    except Exception:
        return set()
    return views


def _is_view_of_raw(manifest: Mapping[str, Any], unique_id: str) -> bool:
    node = manifest["nodes"][unique_id]
    parents = node["depends_on"]["nodes"]
    return (
        node["resource_type"] == "model"
        and node["config"]["materialized"] == "view"
        and bool(parents)
        and all(parent in manifest["sources"] for parent in parents)
    )
