"""Law 6. Every asset has a partition definition, a freshness policy, an owner, a group, kinds, a
description, described columns and a check. Over the whole graph, without exceptions."""

from graphlib import TopologicalSorter

import dagster as dg

from retail_assets.catalog.translator import personal_columns, personal_names
from retail_assets.segmentation.catalog import COLUMNS, SEGMENTS

LAYERS = [
    "raw", "staging", "identities", "affected", "quarantine", "warehouse", "affected_marts", "marts"
]  # fmt: skip
PERSONAL = {"age", "birth_date", "birth_year", "email", "gender", "latitude", "longitude"}
# Names of stores, and where shops, distribution centers and places are.
PLACES = (
    "wh_dim_location",
    *(
        f"stg_{name}{versions}"
        for name in ("distribution_centers", "places", "shops", "webshop_distribution_centers")
        for versions in ("", "_versions")
    ),
)
OF_NO_PERSON = {
    *((model, "consumer_name") for model in ("wh_consumer_identities", "wh_dim_consumer")),
    *((model, name) for model in PLACES for name in ("latitude", "longitude")),
}


def test_every_asset_is_described(deploy):
    from retail_assets.definitions import definitions_of

    definitions = definitions_of(deploy(extracts_folder="extracts").settings)
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
    actual: dict[tuple[str, str], set[str]] = {}
    for schema, table, column in built.query(
        "select schema_name, table_name, column_name from duckdb_columns() where not internal"
    ):
        actual.setdefault((schema, table), set()).add(column)
    nodes = built.manifest["nodes"].values()
    for node in nodes:
        if node["resource_type"] == "model":
            assert set(node["columns"]) == actual[node["schema"], node["name"]], node["name"]


def test_layers_read_only_leftwards(deploy):
    """Nothing reads a layer to its right. A layer is a folder of models.

    Which keys of the warehouse a window affects is known from staging, and from the identities, which say
    whose records changed: so these stand between staging and the affected keys. Which days and consumers of
    a mart are affected also follows from what changed in the warehouse: `affected_marts` stands right of it.
    """
    manifest = deploy().manifest
    relations = {**manifest["sources"], **manifest["nodes"]}
    for node in _models(manifest):
        for parent in node["depends_on"]["nodes"]:
            layers = [LAYERS.index(_layer(each)) for each in (relations[parent], node)]
            assert layers == sorted(layers), (node["name"], parent)


def test_only_versions_read_raw(deploy):
    """One view over each source table, by staging's names, is the only model that reads it."""
    manifest = deploy().manifest
    readers = [node for node in _models(manifest) if node["sources"]]
    assert all(node["name"].endswith("_versions") for node in readers)
    assert all(node["config"]["materialized"] == "view" for node in readers)
    read = [unique_id for node in readers for unique_id in node["depends_on"]["nodes"]]
    assert sorted(read) == sorted(manifest["sources"])


def test_groups_can_be_read(deploy):
    """A group's picture has at most a dozen assets, and the groups' picture flows one way."""
    from retail_assets.definitions import definitions_of

    graph = definitions_of(deploy(extracts_folder="extracts").settings).resolve_asset_graph()
    groups: dict[str, list[dg.AssetKey]] = {}
    for key in graph.get_all_asset_keys():
        groups.setdefault(graph.get(key).group_name, []).append(key)
    assert {name: len(keys) for name, keys in groups.items() if len(keys) > 12} == {}
    of_group = {
        name: {graph.get(parent).group_name for key in keys for parent in graph.get(key).parent_keys} - {name}
        for name, keys in groups.items()
    }
    assert len(list(TopologicalSorter(of_group).static_order())) == len(groups) > 20


def _models(manifest):
    return [node for node in manifest["nodes"].values() if node["resource_type"] == "model"]


def _layer(node):
    return "raw" if node["resource_type"] == "source" else node["path"].split("/")[0]


def test_personal_data_stays_marked(deploy):
    """What tells of a person is marked wherever a model has it; nothing of it is in the segments.

    A column is known by its name: what one table marks, all do.
    """
    manifest = deploy().manifest
    personal = PERSONAL | personal_names(manifest)
    unmarked = {
        (node["name"], name)
        for node in _models(manifest)
        for name in personal & node["columns"].keys() - set(personal_columns(node))
    }
    assert unmarked == OF_NO_PERSON
    assert not personal & COLUMNS[SEGMENTS].keys()
