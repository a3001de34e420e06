"""Weeks one after another, in a warehouse of synthetic features."""

from datetime import timedelta

import dagster as dg
import pandas as pd
import pytest
from rich.console import Console
from typer.testing import CliRunner

from retail_assets.cli import app
from retail_assets.resources.warehouse import WarehouseError
from retail_assets.segmentation import tables
from retail_assets.segmentation.assets import segmentation_assets
from retail_assets.segmentation.audience import audience, show
from retail_assets.segmentation.catalog import CHECKS, MODELS, SCHEMA, SEGMENTS, table
from retail_assets.segmentation.checks import findings
from retail_assets.segmentation.pictures import pictures
from retail_assets.segmentation.report import write_report
from retail_assets.segmentation.thresholds import SEVERITY, THRESHOLDS
from retail_assets.settings import Settings
from retail_assets_tests.faults import Area, fault
from retail_assets_tests.segmentation.planted import FIRST_WEEK, NEW_PERSONA, Warehouse, features, key, people

WEEKS = 12


@pytest.fixture(scope="module")
def stable():
    persons = people(1200)
    warehouse = Warehouse(*(features(persons, week) for week in range(WEEKS)))
    warehouse.weeks = warehouse.run(*range(WEEKS))
    return warehouse


def test_a_stable_population_keeps_its_segments(stable):
    kept = stable.execute(
        "select count(*) from ("
        f"select consumer_key, min(segment) as segment from {table('customer_segments')}"
        " group by consumer_key having count(distinct segment) = 1)"
    )[0][0]
    assert kept >= 0.95 * 1200
    assert [week.decision.retrain for week in stable.weeks] == [True] + [False] * (WEEKS - 1)


def test_all_checks_pass_on_a_stable_population(stable):
    for week in stable.weeks[:3]:
        found = list(findings(stable.execute, week, THRESHOLDS, "features"))
        assert {finding.check for finding in found} == CHECKS.keys() == SEVERITY.keys()
        assert [finding for finding in found if not finding.passed] == []


def test_a_week_run_again_has_the_same_rows_and_leaves_the_others(stable):
    before = stable.rows()
    stable.run(3, 0)
    assert stable.rows() == before


def test_one_by_one_is_as_in_one_go(stable):
    other = Warehouse(*(features(people(1200), week) for week in range(3)))
    for week in range(3):
        other.run(week)
    assert other.rows() == {
        name: [row for row in rows if str(row[0]) <= key(2)] for name, rows in stable.rows().items()
    }


STEPS = ("insert_segments", "insert_rows")


@fault(
    Area.BUILDING,
    "A week of segments fails between its tables",
    "The week is as it was before.",
    times=len(STEPS),
)
def test_a_crash_leaves_last_weeks_segments_and_nothing_half(stable, monkeypatch):
    before = stable.rows()
    for step in STEPS:
        with monkeypatch.context() as patch:
            patch.setattr(tables, step, _failing)
            with pytest.raises(RuntimeError, match="killed"):
                stable.run(5)
        assert stable.rows() == before


def _failing(*_):
    raise RuntimeError("killed")


def test_a_week_depends_on_the_one_before(tmp_path):
    assets = segmentation_assets(Settings(home=tmp_path))
    graph = dg.Definitions(assets=[assets], resources={"warehouse": None}).resolve_asset_graph()
    for asset in (dg.AssetKey([SCHEMA, name]) for name in (MODELS, SEGMENTS)):
        mapping = graph.get(asset).partition_mappings[asset]
        assert isinstance(mapping, dg.TimeWindowPartitionMapping)
        assert (mapping.start_offset, mapping.end_offset) == (-1, -1)


def test_a_new_persona_is_a_birth_and_the_others_keep_their_numbers():
    old, new = people(1200), people(300, 9, NEW_PERSONA)
    warehouse = Warehouse(features(old, 0), features(old, 1), features(pd.concat([old, new]), 2))
    first, second, third = warehouse.run(0, 1, 2)
    assert second.events == ()
    assert third.model.segments == (*first.model.segments, 5)
    assert len(third.events) == 1
    assert third.events[0].startswith("Segment 5 was born")
    assert [first.model.names[s] for s in first.model.segments] == [
        third.model.names[s] for s in first.model.segments
    ]
    ((kept, total),) = warehouse.execute(
        f"select count(*) filter (segment = previous_segment), count(*) from {table('customer_segments')}"
        f" where week_start = '{key(2)}' and previous_segment is not null"
    )
    assert kept >= 0.95 * total


def test_a_week_without_orders_is_scored_and_everybody_is_there():
    persons = people(200, buyers=0.0)
    warehouse = Warehouse(features(people(200), 0), features(persons, 1))
    _, week = warehouse.run(0, 1)
    assert not week.decision.retrain
    assert [(row["segment"], row["consumers"]) for row in week.profiles.rows] == [(0, 200)]
    found = findings(warehouse.execute, week, THRESHOLDS, "features")
    assert {finding.check for finding in found if not finding.passed} == {"changed_segment"}
    assert pictures(week)


def test_a_retailer_whose_first_order_comes_later():
    warehouse = Warehouse(features(people(200, buyers=0.0), 0), features(people(200), 1))
    first, second = warehouse.run(0, 1)
    assert first.model.segments == ()
    assert second.decision.reasons == ("Somebody has bought for the first time.",)
    assert len(second.model.segments) > 1


def test_one_consumer_alone_is_sound_and_said():
    warehouse = Warehouse(features(people(1, buyers=1.1)))
    (week,) = warehouse.run(0)
    missed = {
        f.check: f.text for f in findings(warehouse.execute, week, THRESHOLDS, "features") if not f.passed
    }
    assert set(missed) == {"segment_sizes", "silhouette"}
    assert "alike" in missed["silhouette"]


def test_a_lost_member_and_a_spoiled_model_are_found(stable):
    stable.execute("begin transaction")
    week = stable.weeks[0]
    stable.execute(
        f"delete from {table('customer_segments')} where week_start = '{week.week}'"
        f" and consumer_key = (select min(consumer_key) from {table('customer_segments')})"
    )
    stable.execute(
        f"update {table('customer_segments')} set segment = segment % 4 + 1"
        f" where week_start = '{week.week}' and segment <> 0"
    )
    missed = {f.check for f in findings(stable.execute, week, THRESHOLDS, "features") if not f.passed}
    stable.execute("rollback")
    assert missed == {"one_segment_each", "model_rebuilds"}


def test_the_report_needs_nothing_else_and_names_every_segment(stable, tmp_path):
    week = stable.weeks[1]
    drawn = pictures(week)
    assert set(drawn) == {"choice", "projection", "heat map", "migration"}
    assert all(png.startswith(b"\x89PNG") for _, png in drawn.values())
    found = list(findings(stable.execute, week, THRESHOLDS, "features"))
    page = write_report(tmp_path, week, drawn, found).read_text()
    assert page.count("data:image/png;base64,") == 4
    assert "http" not in page
    assert all(name in page for name in week.profiles.names.values())


class TestForPeople:
    """The command line's part, on the same weeks."""

    @pytest.fixture(autouse=True)
    def consumers(self, stable):
        stable.execute("create schema if not exists warehouse")
        stable.execute(
            "create or replace table warehouse.wh_dim_consumer as select consumer_key,"
            " consumer_key || '@example.com' as email, substr(consumer_key, 1, 1) < '8' as marketing_opt_in"
            " from (select distinct consumer_key from features)"
        )

    def test_shows_every_segment(self, stable, capsys):
        from rich.console import Console

        show(Console(width=200), stable.query, None)
        shown = capsys.readouterr().out
        assert key(WEEKS - 1) in shown
        assert all(name in shown for name in stable.weeks[-1].profiles.names.values())

    def test_exports_only_who_opted_in(self, stable):
        found = audience(stable.query, 1, FIRST_WEEK + timedelta(days=3))
        keys = found.consumers.column("consumer_key").to_pylist()
        assert keys
        assert all(each < "8" for each in keys)
        ((members,),) = stable.execute(
            f"select count(*) from {table('customer_segments')} where week_start = '{key(0)}' and segment = 1"
        )
        assert len(keys) < members
        assert f"{len(keys):,} of the {members:,} consumers" in found.summary

    def test_exports_nothing_that_a_spreadsheet_computes(self, stable):
        stable.execute("update warehouse.wh_dim_consumer set email = '=cmd|' || email where marketing_opt_in")
        found = audience(stable.query, 1, FIRST_WEEK)
        assert all(each.startswith("'=cmd|") for each in found.consumers.column("email").to_pylist())

    @pytest.mark.parametrize(
        "arguments", ["--week 2024-01-03 export --segment 1", "export --segment 1 --week 2024-01-03"]
    )
    def test_takes_the_week_before_and_after_export(self, stable, monkeypatch, arguments):
        monkeypatch.setattr("retail_assets.resources.warehouse.warehouse_of", lambda settings: stable)
        result = CliRunner().invoke(app, ["segments", *arguments.split()])
        assert result.exit_code == 0
        assert f"week of {key(0)}" in result.stderr
        assert result.stdout.startswith('"consumer_key","email"')

    def test_refuses_a_segment_that_is_not_there(self, stable):
        with pytest.raises(WarehouseError, match=r"no segment 77 .* There are: 0 \(No purchase yet\), 1"):
            audience(stable.query, 77, None)

    def test_refuses_a_week_that_is_not_there(self, stable):
        with pytest.raises(WarehouseError, match="2020-01-06 has no segments"):
            show(Console(), stable.query, FIRST_WEEK.replace(year=2020, day=8))

    def test_refuses_where_nobody_opted_in(self, stable):
        stable.execute("update warehouse.wh_dim_consumer set marketing_opt_in = null")
        with pytest.raises(WarehouseError, match="nobody to write to"):
            audience(stable.query, 1, None)

    def test_says_when_no_week_is_there(self):
        with pytest.raises(WarehouseError, match="No week has segments yet"):
            show(Console(), Warehouse(features(people(1))).query, None)
