"""Law 6. Every asset has a partition definition, a freshness policy, an owner, a group, kinds, a
description, described columns and a check. Over the whole graph, without exceptions."""

import dagster as dg

from retail_assets.catalog.translator import personal_columns
from retail_assets.segmentation.catalog import COLUMNS, SEGMENTS

PERSONAL = {"age", "birth_date", "birth_year", "email", "gender", "latitude", "longitude"}


def test_every_asset_is_described(deploy):
    from retail_assets.definitions import definitions_of

    definitions = definitions_of(deploy().settings)
    graph = definitions.resolve_asset_graph()
    keys = graph.get_all_asset_keys()
    assert len(keys) > 100
    missing = {
        key.to_user_string(): gaps
        for key in keys
        if (gaps := list(_gaps(graph.get(key), _spec(definitions, key))))
    }
    assert not missing


def _spec(definitions: dg.Definitions, key: dg.AssetKey) -> dg.AssetSpec:
    return next(
        spec
        for assets in definitions.assets or ()
        if isinstance(assets, dg.AssetsDefinition)
        for spec in assets.specs
        if spec.key == key
    )


def _gaps(node, spec):
    if node.partitions_def is None:
        yield "partition definition"
    if spec.freshness_policy is None:
        yield "freshness policy"
    if not spec.owners:
        yield "owner"
    if not spec.group_name or spec.group_name == "default":
        yield "group"
    if not spec.kinds:
        yield "kinds"
    if not spec.description:
        yield "description"
    columns = spec.metadata["dagster/column_schema"].columns
    if not columns or any(not column.description for column in columns):
        yield "described columns"
    # Beside the check on the newest partition, which all have.
    if len(node.check_keys) < 2:
        yield "check"


def test_descriptions_match_the_tables(built):
    """What the YAML describes is what the tables have, column by column."""
    actual = {}
    for schema, table, column in built.query(
        "select schema_name, table_name, column_name from duckdb_columns() where not internal"
    ):
        actual.setdefault((schema, table), set()).add(column)
    nodes = built.manifest["nodes"].values()
    for node in nodes:
        if node["resource_type"] == "model":
            assert set(node["columns"]) == actual[node["schema"], node["name"]], node["name"]


def test_layers_read_only_leftwards(deploy):
    """Raw, staging, warehouse, marts: nothing reads a layer to its right."""
    order = ["raw", "staging", "warehouse", "mart"]
    manifest = deploy().manifest
    relations = {**manifest["sources"], **manifest["nodes"]}
    for node in manifest["nodes"].values():
        if node["resource_type"] == "model":
            for parent in node["depends_on"]["nodes"]:
                layers = [order.index(each["schema"].split("_")[0]) for each in (relations[parent], node)]
                assert layers == sorted(layers), (node["name"], parent)


def test_personal_data_stays_marked(deploy):
    """What tells of a consumer is marked wherever a model has it; nothing of it is in the segments."""
    of_consumers = [
        node
        for node in deploy().manifest["nodes"].values()
        if node["resource_type"] == "model" and "consumer_key" in node["columns"]
    ]
    assert len(of_consumers) > 10
    unmarked = {
        node["name"]: gaps
        for node in of_consumers
        if (gaps := PERSONAL & node["columns"].keys() - set(personal_columns(node)))
    }
    assert not unmarked
    assert not PERSONAL & COLUMNS[SEGMENTS].keys()
