"""What a deployment consists of, of all that the project could take in: it depends on the systems.

A source table is absent if its system is not taken in. A model is absent if it can only be empty: if all
that it reads is absent, if the model that lists its affected keys is (macros/affected.sql), or if it needs a
system that is (`meta.needs`). What is absent is no asset: nothing is run, checked or recorded for it.

Models that are there may still read absent ones, since the SQL is the same for every company. Those are
created once, empty.
"""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cache
from typing import Any

NEEDS = "needs"


@dataclass(frozen=True)
class Presence:
    """The nodes of a manifest, by unique id, as the systems that are taken in make them."""

    absent: Set[str]
    """Source tables, models and tests that the deployment does not have."""
    needed: Set[str]
    """Those models of them that models and tests read which it has, at first hand or further up."""


def presence(manifest: Mapping[str, Any], systems: Sequence[str]) -> Presence:
    """What is there with these systems."""
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
    """Of what a model says that it needs, what is not taken in: `marketing`, or `erp or webshop`."""
    needs = node["config"].get("meta", {}).get(NEEDS, ())
    return [each for each in needs if not {*each.split(" or ")} & {*systems}]


def _lister(node: Mapping[str, Any]) -> str | None:
    """The name of the model that lists a model's affected keys."""
    affected = node["config"].get("meta", {}).get("affected") or {}
    lister: str | None = affected.get("by")
    return lister


def systems_behind(manifest: Mapping[str, Any], unique_id: str, systems: Sequence[str]) -> list[str]:
    """The systems of which any would bring an absent table into the deployment, beside those there are."""
    others = sorted({source["source_name"] for source in manifest["sources"].values()} - {*systems})
    found = [each for each in others if unique_id not in presence(manifest, [*systems, each]).absent]
    return found or others


def table_of(manifest: Mapping[str, Any], unique_id: str) -> str:
    """The table of a model or source, as in SQL: `staging.stg_customers`."""
    node = manifest["sources" if unique_id in manifest["sources"] else "nodes"][unique_id]
    return f"{node['schema']}.{node['name']}".lower()


def descendants(manifest: Mapping[str, Any], unique_ids: Sequence[str]) -> Set[str]:
    """The models that are made from any of these nodes, at first hand or further down."""
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
