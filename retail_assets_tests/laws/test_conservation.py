"""Law 1. Every source row is in staging or in quarantine, exactly once."""

import sqlite3

import pytest

from retail_assets.ingestion.contract import snake_case, source_tables
from retail_assets.transformation.project import Project


def _staging_models(manifest):
    """Each model that stages one raw table, with that table's system and name."""
    return {
        tuple(node["sources"][0]): node
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model" and node["name"].startswith("stg_")
    }


def test_every_source_row_is_somewhere_once(built):
    manifest = Project(built.settings).manifest
    models = _staging_models(manifest)
    quarantined = dict(built.query("select model_name, count(*) from staging.quarantine group by model_name"))
    assert quarantined, "nothing was quarantined, which proves little"
    with sqlite3.connect(built.erp) as erp:
        for table in source_tables(manifest, "erp"):
            model = models["erp", table.name]
            key = [column for column in _columns(erp, table) if snake_case(column) in table.primary_key]
            source = erp.execute(f'select {", ".join(key)} from "{_plain(table)}"').fetchall()
            name = model["name"]
            ((staged,),) = built.query(f"select count(*) from staging.{name}")
            assert staged + quarantined.get(name, 0) == len(set(source)), name


def test_quarantine_lists_every_model_with_rules(built):
    manifest = Project(built.settings).manifest
    judged = {
        node["unique_id"]
        for node in manifest["nodes"].values()
        if node["config"].get("meta", {}).get("quarantine")
    }
    quarantine = manifest["nodes"]["model.retail_assets.quarantine"]
    assert judged == {each for each in quarantine["depends_on"]["nodes"] if each.startswith("model.")}


def test_the_planted_faults_are_in_quarantine(built, retailer):
    planted = retailer.truth["faults"].to_pylist()
    if not planted:
        pytest.fail("the simulated retailer has no faults: nothing is tested")
    reasons = {reason for (reason,) in built.query("select reason from staging.quarantine")}
    assert "the quantity is missing or not above 0" in reasons


def test_the_check_sees_a_lost_row(built):
    """The dbt test itself: with a row taken out of staging, it finds that row."""
    import duckdb

    statement = _compiled_check(built)
    with duckdb.connect(built.settings.duckdb_path) as connection:
        assert connection.execute(statement).fetchall() == []
        connection.execute("begin")
        connection.execute(
            "delete from staging.stg_sales_orders where sales_order_id ="
            " (select max(sales_order_id) from staging.stg_sales_orders)"
        )
        assert len(connection.execute(statement).fetchall()) == 1
        connection.execute("rollback")


def _compiled_check(built):
    folder = Project(built.settings).target_path / "compiled"
    (path,) = folder.rglob("conserved_stg_sales_orders_*.sql")
    return path.read_text()


def _plain(table):
    return table.source_table.split(".")[-1]


def _columns(erp, table):
    return [row[1] for row in erp.execute(f'pragma table_info("{_plain(table)}")')]
