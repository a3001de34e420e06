"""The whole way: from the six systems of a simulated retailer to segments that are its planted personas."""

import subprocess
import sys
from datetime import date, timedelta

import dagster as dg
import duckdb
import pytest
from sklearn.metrics import adjusted_rand_score

from retail_assets_tests.conftest import WeeklyDeployment, new_deployment
from simulated_retailer import simulate, write_sources

FIRST = date(2024, 1, 1)
DAYS = 210
WEEKS = [date(2024, 7, 8), date(2024, 7, 15), date(2024, 7, 22)]


@pytest.fixture(scope="module")
def retailer():
    return simulate(consumers=1200, days=DAYS, seed=7, start=FIRST)


@pytest.fixture(scope="module")
def weekly(retailer, tmp_path_factory, parsed_project):
    """All days of all systems, and then three weeks of segments in one run."""
    folder = tmp_path_factory.mktemp("segments")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RETAIL_HOME", str(folder))
        patch.setenv("DAGSTER_HOME", str(folder / "dagster"))
        deployment = new_deployment(
            folder,
            parsed_project,
            sources="erp, webshop, crm, inventory, marketing, geo",
            start_date=FIRST,
            end_date=FIRST + timedelta(days=DAYS - 1),
        )
        write_sources(retailer, folder / "sources")
        # As a user runs it: a history on disk takes the events of so many days in batches.
        days = ["--from", FIRST.isoformat(), "--to", (FIRST + timedelta(days=DAYS - 1)).isoformat()]
        subprocess.run(
            [sys.executable, "-m", "retail_assets.cli", "backfill", *days],
            env=deployment.environment,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        yield WeeklyDeployment(deployment.settings, deployment.run_weeks(WEEKS[0], WEEKS[-1]))


def test_all_checks_of_segments_pass(weekly):
    """That seven months of purchases leave a parameter of lifetime values open is told."""
    assert weekly.result.success
    evaluations = weekly.result.get_asset_check_evaluations()
    assert len(evaluations) >= 9
    assert {each.check_name for each in evaluations if not each.passed} <= {"parameters_are_told"}


def test_each_week_has_its_own_materialization_with_pictures(weekly):
    for table, pictures in (
        ("segmentation_model", {"choice"}),
        ("customer_segments", {"projection"}),
        ("segment_profiles", {"heat map", "profiles"}),
    ):
        events = [
            event.materialization
            for event in weekly.result.get_asset_materialization_events()
            if event.asset_key == dg.AssetKey(["mart_segmentation", table])
        ]
        assert [event.partition for event in events] == [str(week) for week in WEEKS]
        assert all(pictures <= event.metadata.keys() for event in events)
    assert len(list((weekly.settings.home / "reports").glob("segments-*.html"))) == len(WEEKS)


def test_segments_are_the_planted_personas(weekly, retailer):
    """Over everybody who has bought; whom the systems do not match are several consumers, each counted."""
    with duckdb.connect(weekly.settings.duckdb_path, read_only=True) as connection:
        connection.register("people", retailer.truth["people"])
        found = connection.execute(
            f"""
            select distinct on (s.consumer_key) p.persona, s.segment
            from mart_segmentation.customer_segments as s
            inner join warehouse.wh_consumer_identities as i on i.consumer_key = s.consumer_key
            inner join people as p on i.source_id = cast(
                case i.source_system when 'erp' then p.customer_id when 'webshop' then p.webshop_user_id
                else p.consumer_id end as varchar)
            where s.week_start = '{WEEKS[-1]}' and s.segment <> 0
            order by s.consumer_key, p.person
            """
        ).fetchall()
    assert len(found) > 900
    personas, segments = zip(*found, strict=True)
    assert adjusted_rand_score(personas, segments) >= 0.8


def test_consumers_stay_where_they_belong(weekly):
    for week in WEEKS[1:]:
        ((kept, all_),) = weekly.query(
            "select count(*) filter (segment = previous_segment), count(*)"
            f" from mart_segmentation.customer_segments where week_start = '{week}' and previous_segment <> 0"
        )
        assert all_ > 800
        assert kept >= 0.95 * all_


def test_weeks_one_by_one_have_the_same_rows(weekly):
    def rows():
        tables = (
            "customer_segmentation_features",
            "segmentation_model",
            "customer_segments",
            "segment_profiles",
        )
        return [weekly.rows(f"mart_segmentation.{table}") for table in tables]

    before = rows()
    assert all(before)
    for week in WEEKS[1:]:
        weekly.run_weeks(week, week)
    assert rows() == before
