"""Which of the selected models a run builds, over which window, and their states afterwards.

A table that could not be loaded or built stops what depends on it, and nothing else: a model is built only if
everything that it reads has been applied up to the window's end. Other models are skipped. They become stale,
with the reason, and their next run starts where they ended.

Exception: models with `meta.tolerates_late`, such as keys and dimensions, in which each row comes from one
system. A late system delays only its own rows there. So such a model is built, and is stale as well, so that
the next run starts where the late system ended.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import Any

from retail_assets.catalog.presence import table_of
from retail_assets.quality.table_states import TableState, gap_before
from retail_assets.windows import Window


@dataclass(frozen=True)
class Plan:
    """What a run builds; models and tests by their unique ids."""

    window: Window
    nodes: Collection[str]
    """Models to build and tests to run."""
    blocked: Mapping[str, str]
    """Models that are not built, each with the reason."""
    behind: Mapping[str, str]
    """Models that are built without the rows of a late system, each with the reason."""
    rebuilt: Collection[str]
    """Models that are rebuilt from all of raw, since they are new in the deployment."""


def plan(
    manifest: Mapping[str, Any],
    chosen: Collection[str],
    states: Mapping[str, TableState],
    window: Window,
    *,
    makes_up: bool,
) -> Plan:
    """The plan for the `chosen` models and tests.

    With `makes_up`, the window starts at the earliest end of any of the models, if that is before it.
    """
    blocked: dict[str, str] = {}
    behind: dict[str, str] = {}
    for unique_id in _in_order(manifest, chosen):
        obstacles = dict(_obstacles(manifest, unique_id, chosen, blocked, states, window))
        reason = next(iter(obstacles.values()), None)
        if not reason:
            continue
        if _tolerates_late(manifest, unique_id) and all(
            _is_there(manifest, each, states) for each in obstacles
        ):
            behind[unique_id] = reason
        else:
            blocked[unique_id] = reason
    nodes = {each for each in chosen if each not in blocked}
    models = [each for each in nodes if _is_model(manifest, each)]
    known = {each: states[table_of(manifest, each)] for each in models if table_of(manifest, each) in states}
    rebuilt = [each for each, state in known.items() if state.state == "not ingested"]
    if makes_up:
        window = gap_before(window, (state for each, state in known.items() if each not in rebuilt))
    blocked = {each: reason for each, reason in blocked.items() if _is_model(manifest, each)}
    return Plan(window, nodes, blocked, behind, rebuilt)


def states_after(
    manifest: Mapping[str, Any],
    done: Plan,
    built: Collection[str],
    failures: Mapping[str, str],
    states: Mapping[str, TableState],
) -> Iterator[TableState]:
    """The new states of the planned models, after a run that has `built` some of them.

    `failures` has the error messages of models and tests.
    """
    reasons: dict[str, str] = {}
    passed_on: set[str] = set()
    for unique_id, message in failures.items():
        node = manifest["nodes"][unique_id]
        if node["resource_type"] == "test" and node["attached_node"]:
            reasons.setdefault(node["attached_node"], f"Its check {node['name']} failed: {message}")
        else:
            reasons[unique_id] = message
    for unique_id in _in_order(manifest, {*done.nodes, *done.blocked}):
        if not _is_model(manifest, unique_id):
            continue
        table = table_of(manifest, unique_id)
        state = states.get(table) or TableState(table, "stale")
        if unique_id in done.rebuilt:
            state = TableState(table, "stale")
        if unique_id in done.blocked:
            yield state.changed("stale", done.blocked[unique_id])
        elif unique_id in reasons:
            # A table whose check failed has the window's rows; one whose build failed does not.
            if unique_id in built:
                state = state.advanced(done.window)
            yield state.changed("failed", reasons[unique_id])
        elif unique_id in built and unique_id in done.behind:
            yield state.changed("stale", done.behind[unique_id])
        elif unique_id in built:
            yield state.advanced(done.window)
        else:
            parents = manifest["nodes"][unique_id]["depends_on"]["nodes"]
            cause = next((each for each in parents if each in reasons), parents[0] if parents else unique_id)
            why = reasons.get(cause, "not built")
            reasons[unique_id] = why if cause in passed_on else f"{table_of(manifest, cause)}: {why}"
            passed_on.add(unique_id)
            yield state.changed("stale", reasons[unique_id])


def _obstacles(
    manifest: Mapping[str, Any],
    unique_id: str,
    chosen: Collection[str],
    blocked: Mapping[str, str],
    states: Mapping[str, TableState],
    window: Window,
) -> Iterator[tuple[str, str]]:
    """The parents of a node that have not been applied up to the window's end, with the reasons."""
    for parent in manifest["nodes"][unique_id]["depends_on"]["nodes"]:
        table = table_of(manifest, parent)
        if parent in blocked:
            yield parent, blocked[parent]
        elif parent not in chosen and table in states:
            state = states[table]
            if state.state != "not ingested" and not state.reaches(window.end):
                until = (
                    f"it ends with {state.applied_until:%Y-%m-%d %H:%M} UTC" if state.applied_until else ""
                )
                why = ", ".join(filter(None, (state.why, until))) or "it has not been built yet"
                yield parent, f"{table}: {why}"


def _tolerates_late(manifest: Mapping[str, Any], unique_id: str) -> bool:
    return bool(manifest["nodes"][unique_id]["config"]["meta"].get("tolerates_late"))


def _is_there(manifest: Mapping[str, Any], unique_id: str, states: Mapping[str, TableState]) -> bool:
    """Whether a table has been built before."""
    state = states.get(table_of(manifest, unique_id))
    return state is not None and state.applied_until is not None


def _in_order(manifest: Mapping[str, Any], nodes: Collection[str]) -> Iterator[str]:
    """The nodes in topological order."""
    wanted = {*nodes}
    graph = {each: wanted & {*manifest["nodes"][each]["depends_on"]["nodes"]} for each in wanted}
    yield from TopologicalSorter(graph).static_order()


def _is_model(manifest: Mapping[str, Any], unique_id: str) -> bool:
    return bool(manifest["nodes"][unique_id]["resource_type"] == "model")
