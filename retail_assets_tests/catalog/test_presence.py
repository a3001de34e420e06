"""Which models there are with which systems: by what the dbt project says, never by a list of names."""

from itertools import combinations

import dagster as dg
import pytest

from retail_assets.catalog.presence import descendants, presence, systems_behind, table_of
from retail_assets.settings import SYSTEMS


def _node(name, parents=(), **meta):
    return {
        "resource_type": "model",
        "name": name,
        "schema": "some",
        "depends_on": {"nodes": list(parents)},
        "config": {"meta": meta},
    }


def _manifest():
    """Bread is sold and, if there is an oven, baked."""
    nodes = {
        "stg_bread": _node("stg_bread", ["till.bread"]),
        "stg_heat": _node("stg_heat", ["oven.heat"]),
        "affected_loaves": _node("affected_loaves", ["stg_heat", "stg_bread"], needs=["oven or fire"]),
        "loaves": _node("loaves", ["affected_loaves", "stg_bread"], affected={"by": "affected_loaves"}),
        "sales": _node("sales", ["stg_bread", "loaves"]),
    }
    tests = {
        "loaves_are_warm": {
            **_node("loaves_are_warm", ["loaves"]),
            "resource_type": "test",
            "attached_node": "loaves",
        },
        "sales_are_baked": {
            **_node("sales_are_baked", ["sales", "affected_loaves"]),
            "resource_type": "test",
            "attached_node": "sales",
        },
    }
    sources = {
        each: {"source_name": each.split(".")[0], "schema": "raw", "name": each}
        for each in ("till.bread", "oven.heat")
    }
    return {"nodes": nodes | tests, "sources": sources}


def test_absent_is_what_can_only_be_empty():
    found = presence(_manifest(), ["till"])
    assert found.absent == {"oven.heat", "stg_heat", "affected_loaves", "loaves", "loaves_are_warm"}
    # `sales` reads `loaves`, which reads the others.
    assert found.needed == {"stg_heat", "affected_loaves", "loaves"}


def test_any_system_of_an_alternative_will_do():
    assert "loaves" not in presence(_manifest(), ["till", "fire"]).absent
    assert systems_behind(_manifest(), "loaves", ["till"]) == ["oven"]


def test_with_all_systems_nothing_is_absent(deploy):
    found = presence(deploy().manifest, SYSTEMS)
    assert not found.absent
    assert not found.needed


def test_without_marketing_there_are_no_marketing_marts(deploy):
    manifest = deploy().manifest
    there = presence(manifest, [system for system in SYSTEMS if system != "marketing"])
    absent = {table_of(manifest, each) for each in there.absent if not each.startswith("test.")}
    schemas = {table.split(".")[0] for table in absent}
    assert schemas == {"raw_marketing", "staging", "affected", "warehouse", "mart_marketing", "mart_prices"}
    assert {table for table in absent if table.startswith("mart")} == {
        "mart_marketing.mrt_media_channels",
        "mart_marketing.mrt_offers",
        "mart_prices.offer_calendar",
    }
    assert "warehouse.wh_fact_sales" not in absent
    assert systems_behind(manifest, "model.retail_assets.mrt_offers", ["erp", "crm"]) == ["marketing"]


def test_more_systems_never_make_less(deploy):
    """Whatever there is with some systems is there with these and another."""
    manifest = deploy().manifest
    for count in (1, 2, 3):
        for some in combinations(SYSTEMS, count):
            absent = presence(manifest, some).absent
            for other in set(SYSTEMS) - {*some}:
                assert presence(manifest, [*some, other]).absent <= absent, (some, other)


def test_descendants_are_all_that_is_made_of_it(deploy):
    manifest = deploy().manifest
    source = next(each for each in manifest["sources"] if each.endswith(".inventory.stock_levels"))
    found = {table_of(manifest, each) for each in descendants(manifest, [source])}
    assert {
        "staging.stg_inventory",
        "warehouse.wh_fact_inventory",
        "mart_analyst.mrt_inventory_analysis",
    } <= found
    assert "warehouse.wh_fact_loyalty" not in found


@pytest.mark.parametrize(
    ("sources", "weekly"),
    [("erp", True), ("webshop", True), ("inventory", True), ("marketing", False), ("crm, geo", False)],
)
def test_any_subset_is_a_deployment(deploy, sources, weekly):
    """Nothing of an absent system is in the definitions, not even as something outside of them."""
    from retail_assets.definitions import definitions_of

    deployment = deploy(sources=sources)
    definitions = definitions_of(deployment.settings)
    graph = definitions.resolve_asset_graph()
    manifest = deployment.manifest
    absent = {
        dg.AssetKey(table_of(manifest, each).split("."))
        for each in presence(manifest, deployment.settings.systems).absent
        if not each.startswith("test.")
    }
    assert not absent & graph.get_all_asset_keys()
    assert not [key for key in graph.get_all_asset_keys() if not graph.get(key).is_materializable]
    raw = {key.path[0] for key in graph.get_all_asset_keys() if key.path[0].startswith("raw_")}
    assert raw == {f"raw_{system}" for system in deployment.settings.systems}
    jobs = {"daily", "newest_partition", *(["weekly"] if weekly else [])}
    assert {job.name for job in definitions.resolve_all_job_defs() if not job.name.startswith("__")} == jobs
    steps = definitions.resolve_job_def("daily").graph.node_dict
    assert {name for name in steps if name.startswith("raw_")} == raw
