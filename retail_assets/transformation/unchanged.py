"""What a run need not build, since building it would change nothing.

Views of raw's tables stand: those of changed models have already been replaced when a run starts, since the
record of the home has what each model was made from (deployment/upgrade.py).

Tables that replace the keys with a new version, or a deletion, in the window replace none if raw has neither.
The same holds for checks that look at the window's rows alone: they have nothing to look at.
"""

from collections.abc import Collection, Mapping, Set
from dataclasses import dataclass
from typing import Any

from retail_assets.catalog.presence import table_of
from retail_assets.quality.row_account import in_window
from retail_assets.quality.table_states import TableState
from retail_assets.resources.sql import text
from retail_assets.resources.warehouse import Execute
from retail_assets.transformation.plan import Plan
from retail_assets.windows import Window

# Tests whose own SQL looks at nothing but the window's rows, and conditions (macros/tests/scope.sql) that
# make dbt's own tests do so.
_TESTS = {"conserved"}
_SCOPES = {"__window__", "__affected__"}


@dataclass(frozen=True)
class Unchanged:
    """Nodes by unique id."""

    views: Set[str] = frozenset()
    tables: Set[str] = frozenset()
    tests: Set[str] = frozenset()

    @property
    def models(self) -> list[str]:
        """Views first: tables are made of them."""
        return [*sorted(self.views), *sorted(self.tables)]


def unchanged(
    manifest: Mapping[str, Any],
    planned: Plan,
    states: Mapping[str, TableState],
    relations: Set[str],
    text_systems: Collection[str],
    execute: Execute,
) -> Unchanged:
    """The planned nodes that have nothing to do.

    A table counts only if it is current: one whose build or check failed is built again. `relations` are
    those of the warehouse. `text_systems` have keys that are text: their type is known only in the run, and
    views cast to it.
    """
    views = standing(manifest, planned.nodes, relations, execute)
    read = {
        each: view
        for each in planned.nodes
        if _is_current(manifest, each, planned, states) and table_of(manifest, each) in relations
        for view in _versions_of(manifest, each)
        if view in views and _system_of(manifest, view) not in text_systems
    }
    changed = _changed(manifest, {*read.values()}, planned.window, execute)
    idle = {each: view for each, view in read.items() if view not in changed}
    looked_at = {*idle, *idle.values()}
    return Unchanged(
        views=frozenset() if text_systems else views,
        tables={*idle},
        tests={each for each in planned.nodes if _looks_at_the_window_of(manifest, each, looked_at)},
    )


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


def _is_current(
    manifest: Mapping[str, Any], unique_id: str, planned: Plan, states: Mapping[str, TableState]
) -> bool:
    """Whether a node is a table without gaps or faults up to the window."""
    node = manifest["nodes"][unique_id]
    if node["resource_type"] != "model" or node["config"]["materialized"] != "incremental":
        return False
    state = states.get(table_of(manifest, unique_id))
    return (
        state is not None
        and state.state == "current"
        and state.reaches(planned.window.start)
        and unique_id not in planned.rebuilt
        and unique_id not in planned.behind
    )


def _versions_of(manifest: Mapping[str, Any], unique_id: str) -> list[str]:
    """The view whose changes in the window a table follows, and nothing else (macros/affected.sql)."""
    node = manifest["nodes"][unique_id]
    affected = node["config"].get("meta", {}).get("affected", {})
    name = affected.get("by", "")
    if not name.endswith("_versions"):
        return []
    return [each for each in node["depends_on"]["nodes"] if each.endswith(f".{name}")]


def _system_of(manifest: Mapping[str, Any], view: str) -> str:
    (source, *_) = manifest["nodes"][view]["depends_on"]["nodes"]
    return str(manifest["sources"][source]["source_name"])


def _changed(
    manifest: Mapping[str, Any], views: Collection[str], window: Window, execute: Execute
) -> Set[str]:
    """The views with a version that is new, or was found deleted, in the window. One query for all."""
    if not views:
        return set()
    reads = (
        f"(select {text(each)} as view_id from {table_of(manifest, each)}"
        f" where {in_window(column, window)} limit 1)"
        for each in sorted(views)
        for column in ("_changed_at", "_deleted_at")
    )
    return {view for (view,) in execute(" union all ".join(reads))}


def _looks_at_the_window_of(manifest: Mapping[str, Any], unique_id: str, models: Set[str]) -> bool:
    """Whether a node is a test of one of these models that looks at rows of the window alone."""
    node = manifest["nodes"][unique_id]
    return (
        node["resource_type"] == "test"
        and node["attached_node"] in models
        and (node["test_metadata"]["name"] in _TESTS or node["config"].get("where") in _SCOPES)
    )
