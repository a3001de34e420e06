"""A home that another version wrote: what an upgrade says it will do, and that it does just this."""

import json
import shutil

import dagster as dg
import duckdb
import pytest

from retail_assets.catalog.descriptions import descriptions
from retail_assets.catalog.project import Project
from retail_assets.deployment import record, upgrade
from retail_assets.deployment.record import Record
from retail_assets.deployment.upgrade import Upgrade, UpgradeError, package_version
from retail_assets.resources import storage
from retail_assets.resources.comments import DUCKDB_COMMENTS, missing_comments
from retail_assets.resources.warehouse import warehouse_of
from retail_assets_tests.conftest import NEW_DAYS, write_evening
from retail_assets_tests.faults import Area, fault
from retail_assets_tests.laws.comparison import assert_same

WEEKLY = ("customer_segmentation_features", "segmentation_model", "customer_segments", "segment_profiles")


def _upgrade(deployment, until=None):
    """The upgrade of a deployment, with its warehouse."""
    warehouse = warehouse_of(deployment.settings)
    return Upgrade(deployment.settings, Project(deployment.settings), warehouse, until), warehouse


def _run(deployment, until=None):
    """What `retail-assets upgrade` does; returns the plan."""
    found, warehouse = _upgrade(deployment, until)
    with warehouse.writing(print):
        with warehouse.session() as execute:
            plan = found.plan(execute)
        found.carry_out(plan)
    return plan


def _change(deployment, *statements):
    with duckdb.connect(deployment.settings.duckdb_path) as connection:
        for statement in statements:
            connection.execute(statement)


def _weekly(deployment):
    """All rows of the weekly tables, whatever the order of their columns."""
    tables = [f"mart_segmentation.{name}" for name in WEEKLY]
    return {each: deployment.rows(each, ", ".join(sorted(deployment.columns(each)))) for each in tables}


@pytest.fixture
def copied(deploy, built):
    """A copy of the deployment that has all days and weeks."""
    copy = deploy()
    shutil.copytree(built.settings.home, copy.settings.home, dirs_exist_ok=True)
    return copy


@pytest.fixture
def recorded(copied, monkeypatch):
    """Plans of a built home, as if it had another record. Of a copy: a session locks it for all others."""

    def plan(change):
        found, warehouse = _upgrade(copied)
        with warehouse.session() as execute:
            kept = record.read(execute)
        monkeypatch.setattr(record, "read", lambda _: change(kept))
        return found.published_plan()

    with copied.entered():
        yield plan


def _with(kept, **models):
    changed = {name.replace("__", "."): value for name, value in models.items()}
    return Record(kept.version, kept.fingerprint, {**kept.models, **changed})


def test_a_home_of_this_version_is_left_alone(copied, recorded):
    found, _ = _upgrade(copied)
    assert not found.is_needed()
    plan = recorded(lambda kept: kept)
    assert not plan
    assert [*plan.lines()] == []


def test_exactly_what_changed_and_what_depends_on_it_is_built_anew(copied, recorded):
    plan = recorded(lambda kept: _with(kept, warehouse__wh_fact_interactions="another"))
    nodes = copied.manifest["nodes"]
    expected, waiting = set(), ["model.retail_assets.wh_fact_interactions"]
    while waiting:
        key = waiting.pop()
        if key in nodes and nodes[key]["resource_type"] == "model" and key not in expected:
            expected.add(key)
            waiting += copied.manifest["child_map"][key]
    assert plan.build.keys() == {f"{nodes[key]['schema']}.{nodes[key]['name']}" for key in expected}
    assert 1 < len(plan.build) < len(nodes) / 4
    assert plan.until == NEW_DAYS[-1].isoformat()
    assert not plan.drop
    assert "warehouse.wh_fact_interactions" in "\n".join(plan.lines())


def test_a_model_that_was_never_asked_for_is_not_built(copied, recorded):
    plan = recorded(lambda kept: _with(kept, mart_sales__renamed="another"))
    assert not plan


def test_only_relations_that_the_record_names_are_dropped(recorded, monkeypatch):
    there = {"mart_sales.former": "table", "mart_sales.former_view": "view", "mart_sales.somebodys": "table"}
    relations = record.relations
    monkeypatch.setattr(record, "relations", lambda execute: {**relations(execute), **there})
    plan = recorded(lambda kept: _with(kept, mart_sales__former="x", mart_sales__former_view="x"))
    assert plan.drop == {"mart_sales.former": "table", "mart_sales.former_view": "view"}
    assert not plan.build


def test_a_home_of_a_newer_version_is_refused(copied, recorded):
    with pytest.raises(
        UpgradeError, match=f"999.0 wrote the home .* and this is {package_version()}: install"
    ):
        recorded(lambda kept: Record("999.0", kept.fingerprint, kept.models))


def test_where_nobody_knows_until_when_tables_go_it_is_asked(copied, recorded, monkeypatch, tmp_path):
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    monkeypatch.setenv("RETAIL_EVENT_LOG_DIR", str(tmp_path / "events"))
    with pytest.raises(UpgradeError, match="retail-assets upgrade --until DATE"):
        recorded(lambda kept: _with(kept, mart_sales__product_demand="another"))


def test_an_older_home_becomes_one_that_this_version_built(copied, built, monkeypatch):
    """From before homes had a record: of models with other columns and rows, names and a storage version."""
    _change(
        copied,
        "drop schema deployment cascade",
        "alter table raw_erp.sales_order_header drop column purchase_order_number",
        "alter table raw_erp.sales_order_header alter column total_due set data type decimal(18, 4)",
        "alter table warehouse.fact_sales drop column line_cost",
        "update mart_sales.product_demand set net_sales = net_sales + 1",
        "alter table mart_segmentation.customer_segmentation_features rename column recency_days to recency",
        "alter table mart_segmentation.segment_profiles drop column came",
        "create table warehouse.touched_before as select 1 as a",
        "create table warehouse.somebodys as select 2 as a",
    )
    _in_the_newest_storage_version(copied.settings.duckdb_path)
    _with_manifest_of_before(copied, "warehouse.touched_before")

    with monkeypatch.context() as patch:
        patch.setattr(Upgrade, "_dbt", _killed)
        with pytest.raises(KeyboardInterrupt):
            _run(copied)
    plan = _run(copied)

    assert plan.drop == {"warehouse.touched_before": "table"}
    assert copied.query("from warehouse.somebodys") == [(2,)]
    assert_same(copied.lasting(), built.lasting())
    assert _weekly(copied) == _weekly(built)
    assert copied.columns("raw_erp.sales_order_header")[-1] == "purchase_order_number"
    assert copied.published().equals(built.published())
    assert storage.storage_version(copied.settings.published_path) == storage.STORAGE_VERSION
    found, _ = _upgrade(copied)
    assert not found.is_needed()
    assert not (copied.settings.home / "dbt" / "duckdb").exists()


def _killed(*_, **__):
    raise KeyboardInterrupt


def _in_the_newest_storage_version(path):
    newest = path.with_suffix(".newest")
    with duckdb.connect() as connection:
        connection.execute(f"attach '{path}' as retail; attach '{newest}' as newest")
        connection.execute("copy from database retail to newest")
    newest.replace(path)


def _with_manifest_of_before(deployment, *former):
    """The manifest where homes had it then, with models that there are no longer."""
    path = deployment.settings.home / "dbt" / "duckdb" / "manifest.json"
    path.parent.mkdir()
    nodes = dict(deployment.manifest["nodes"])
    for name in former:
        schema, table = name.split(".")
        nodes[f"model.retail_assets.{table}"] = {"resource_type": "model", "schema": schema, "name": table}
    path.write_text(json.dumps({"nodes": nodes}))


@fault(
    Area.UPGRADES,
    "An upgrade is killed when a table has been put aside",
    "The next one goes on; the weeks are as they were.",
)
def test_a_killed_upgrade_of_weeks_goes_on_with_all_of_them(copied, built, monkeypatch):
    _mark(copied, "mart_segmentation.customer_segmentation_features")
    with monkeypatch.context() as patch:
        # When the table of before has been put aside, and nothing else is there yet.
        patch.setattr(Upgrade, "_dbt", _killed)
        with pytest.raises(KeyboardInterrupt):
            _run(copied)
    plan = _run(copied)
    assert plan.build.keys() == {"mart_segmentation.customer_segmentation_features"}
    assert _weekly(copied) == _weekly(built)
    assert not copied.query("select 1 from duckdb_tables() where table_name like '%before_upgrade'")
    assert _without_description(copied) == []


def _without_description(deployment):
    """Tables and columns that lack what describes them."""
    found = deployment.query(DUCKDB_COMMENTS)
    return [each for each, _ in missing_comments(descriptions(deployment.manifest), found)]


def _mark(deployment, *models):
    """As if another version had built them."""
    names = ", ".join(f"'{name}'" for name in models)
    _change(
        deployment,
        "update deployment.home set fingerprint = 'another'",
        f"update deployment.models set fingerprint = 'another' where model in ({names})",
    )


def test_the_next_run_upgrades_before_it_builds(deployment, built, retailer):
    """Today's columns are not yesterday's, of which dbt only says that they are out of sync."""
    write_evening(retailer, deployment, NEW_DAYS[-1])
    _mark(deployment, "mart_sales.product_demand")
    _change(deployment, "alter table mart_sales.product_demand drop column net_sales")
    deployment.run(NEW_DAYS[0], NEW_DAYS[-1])
    assert deployment.rows("mart_sales.product_demand", "columns('^[^_]')") == built.rows(
        "mart_sales.product_demand", "columns('^[^_]')"
    )
    found, _ = _upgrade(deployment)
    assert not found.is_needed()
    # What was not there was not reported. The other figures of those days are as they were.
    assert not deployment.query(
        "select * from quality.restatements where mart = 'mart_sales.product_demand' and is_rebuild"
    )


@fault(Area.UPGRADES, "An older version runs on a newer home", "It refuses and changes nothing.")
def test_a_run_on_a_home_of_a_newer_version_changes_nothing(deployment):
    _change(deployment, "update deployment.home set version = '999.0'")
    before = deployment.rows("raw_erp.sales_order_header")
    result = deployment.attempt(NEW_DAYS[0])
    assert not result.success
    (event, *_) = result.get_step_failure_events()
    assert event.step_failure_data.error
    assert "retail_assets 999.0 wrote the home" in str(event.step_failure_data.error)
    assert deployment.rows("raw_erp.sales_order_header") == before


@fault(Area.UPGRADES, "The very first run is killed", "The home counts as new.")
def test_a_first_run_that_was_killed_is_no_older_home(deploy):
    deployment = deploy()
    found, warehouse = _upgrade(deployment)
    with warehouse.writing(print):
        upgrade.bring_up_to_date(deployment.settings, Project(deployment.settings), warehouse, pytest.fail)
        warehouse.execute("create schema staging; create table staging.stg_customers (a int)")
        assert not found.is_needed()
        with warehouse.session() as execute:
            assert not found.plan(execute)


def test_a_refusal_is_not_tried_again(deploy):
    deployment = deploy()
    project = Project(deployment.settings)
    warehouse = warehouse_of(deployment.settings)
    with warehouse.writing(print), warehouse.session() as execute:
        record.create(execute)
        record.write(execute, Record("999.0", "", {}))
    with warehouse.writing(print), pytest.raises(dg.Failure) as refused:
        upgrade.bring_up_to_date(deployment.settings, project, warehouse, print)
    assert not refused.value.allow_retries


def test_spans_of_weeks_have_no_gaps():
    weeks = ["2024-01-01", "2024-01-08", "2024-01-22"]
    assert [*upgrade._ranges(weeks)] == [("2024-01-01", "2024-01-08"), ("2024-01-22", "2024-01-22")]
