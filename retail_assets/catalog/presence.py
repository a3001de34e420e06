"""Which tables a deployment has: that depends on the systems that it ingests.

A source table is absent if its system is not ingested. A model is absent if it can only be empty: everything
that it reads is absent, the model that lists its affected keys is (macros/affected.sql), or it needs a system
that is not ingested (`meta.needs`). Absent tables are no assets: nothing is run, checked or recorded for
them.

Other models may still read absent ones, since the SQL is the same for every company. Those are created once,
empty.
"""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cache
from typing import Any

NEEDS = "needs"


@dataclass(frozen=True)
class Presence:
    """Which nodes of a manifest are absent, by unique id, given the systems that are ingested."""

    absent: Set[str]
    """Source tables, models and tests that the deployment does not have."""
    needed: Set[str]
    """The absent models that models and tests of the deployment read, directly or indirectly."""


def presence(manifest: Mapping[str, Any], systems: Sequence[str]) -> Presence:
    """The presence of a manifest's nodes with these systems."""
    nodes = manifest["nodes"]

    @cache
    def is_absent(unique_id: str) -> bool:
        if unique_id in manifest["sources"]:
            return manifest["sources"][unique_id]["source_name"] not in systems
        node = nodes[unique_id]
        if node["resource_type"] == "test":
            return bool(node["attached_node"]) and is_absent(node["attached_node"])
        parents = node["depends_on"]["nodes"]
        lister = _lister(node)
        return (
            bool(missing_systems(node, systems))
            or (bool(parents) and all(map(is_absent, parents)))
            or any(nodes[each]["name"] == lister and is_absent(each) for each in parents if each in nodes)
        )

    absent = {each for each in (*manifest["sources"], *nodes) if is_absent(each)}
    needed: set[str] = set()
    waiting = [each for each in nodes if each not in absent]
    while waiting:
        parents = nodes[waiting.pop()]["depends_on"]["nodes"]
        new = {each for each in parents if each in absent and each in nodes} - needed
        needed |= new
        waiting += new
    return Presence(absent, needed)


def missing_systems(node: Mapping[str, Any], systems: Sequence[str]) -> list[str]:
    """The needs of a model that no ingested system meets, such as `marketing`, or `erp or webshop`."""
    needs = node["config"].get("meta", {}).get(NEEDS, ())
    return [each for each in needs if not {*each.split(" or ")} & {*systems}]


def _lister(node: Mapping[str, Any]) -> str | None:
    """The name of the model that lists a model's affected keys."""
    affected = node["config"].get("meta", {}).get("affected") or {}
    lister: str | None = affected.get("by")
    return lister


def systems_behind(manifest: Mapping[str, Any], unique_id: str, systems: Sequence[str]) -> list[str]:
    """The further systems any of which would add an absent table to the deployment."""
    others = sorted({source["source_name"] for source in manifest["sources"].values()} - {*systems})
    found = [each for each in others if unique_id not in presence(manifest, [*systems, each]).absent]
    return found or others


def table_of(manifest: Mapping[str, Any], unique_id: str) -> str:
    """The table of a model or source, as in SQL: `staging.stg_customers`."""
    node = manifest["sources" if unique_id in manifest["sources"] else "nodes"][unique_id]
    return f"{node['schema']}.{node['name']}".lower()


def descendants(manifest: Mapping[str, Any], unique_ids: Sequence[str]) -> Set[str]:
    """The models downstream of any of these nodes, directly or indirectly."""
    found: set[str] = set()
    waiting = [*unique_ids]
    while waiting:
        children = {
            each
            for each in manifest["child_map"][waiting.pop()]
            if manifest["nodes"].get(each, {}).get("resource_type") == "model"
        }
        waiting += children - found
        found |= children
    return found
