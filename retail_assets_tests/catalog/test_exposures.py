"""Every page, extract and report is an exposure and an asset, downstream of exactly what its SQL reads."""

import sqlglot
from sqlglot import exp

from retail_assets.catalog.exposures import DASHBOARDS, EXTRACTS, METRICS, exposures
from retail_assets.catalog.presence import table_of
from retail_assets.catalog.project import PROJECT_DIR
from retail_assets.dashboards.answers import rendered
from retail_assets.dashboards.pages import read_pages
from retail_assets.dashboards.period import Choice
from retail_assets.definitions import definitions_of
from retail_assets.deployment.exposures import FILE, generated
from retail_assets_tests.conftest import START


def test_each_is_declared_as_it_reads(manifest, deploy):
    """By the SQL as a parser reads it, with that of filters: not as the generator finds it."""
    settings = deploy(extracts_folder="extracts").settings
    graph = definitions_of(settings).resolve_asset_graph()
    # What is generated is what is there: else run `python -m retail_assets.deployment.exposures`.
    assert generated(manifest, graph) == FILE.read_text(encoding="utf-8")
    found = {(each.kind, each.name): each for each in exposures(manifest)}
    read = {(DASHBOARDS, page.name): _tables(page) for page in read_pages(PROJECT_DIR)}
    for key in graph.get_all_asset_keys():
        if key.path[0].startswith("mart_"):
            name = graph.get(key).group_name.removeprefix("mart_")
            read.setdefault((EXTRACTS, name), set()).add(".".join(key.path))
    relations = (each["node_relation"] for each in manifest["semantic_models"].values())
    named = {f"{relation['schema_name']}.{relation['alias']}" for relation in relations}
    read[EXTRACTS, METRICS] = {*named, "warehouse.wh_dim_date"}
    assert {name for name in found if name[0] != "reports"} == read.keys()
    models = {table_of(manifest, each): each for each in manifest["nodes"] if each.startswith("model.")}
    for place, each in found.items():
        tables = read.get(place, {*each.tables})
        assert {".".join(key.path) for key in graph.get(each.key).parent_keys} == tables, place
        node = manifest["exposures"][f"exposure.retail_assets.{each.dbt_name}"]
        assert {*node["depends_on"]["nodes"]} == {models[table] for table in tables if table in models}, place


def _tables(page):
    chosen = Choice(START, START)
    queries = [*page.queries, *(each.options for each in page.filters.values())]
    return {
        f"{table.db}.{table.name}"
        for sql in queries
        for table in sqlglot.parse_one(rendered(sql, page, chosen), read="duckdb").find_all(exp.Table)
        if table.db not in ("", "quality")  # what runs record of themselves: no assets
    }


def test_a_company_without_a_system_has_the_pages_that_it_can_fill(deploy):
    graph = definitions_of(deploy(sources="crm").settings).resolve_asset_graph()
    pages = {key.path[-1] for key in graph.get_all_asset_keys() if key.path[0] == DASHBOARDS}
    assert "quality" in pages
    assert not {"sales", "stock", "marketing"} & pages
