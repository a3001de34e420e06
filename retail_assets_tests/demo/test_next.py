"""A demo's retailer lives on: at once, or night by night, and nowhere else."""

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import dagster as dg
import pytest
from rich.console import Console

from retail_assets.cli import launch
from retail_assets.cli.summary import RunResult
from retail_assets.definitions import definitions_of
from retail_assets.demo import days
from retail_assets.demo.home import Demo, demo_at_home, demo_of, remember, set_calendar, yesterday
from retail_assets.demo.next import go_on
from retail_assets.errors import UserError
from retail_assets.internals import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG
from retail_assets.settings import load_settings, settings
from retail_assets_tests.conftest import NEW_DAYS, START
from simulated_retailer import LivingRetailer
from simulated_retailer.living import with_slips

LAST = date(2024, 3, 31)
RANGE = (ASSET_PARTITION_RANGE_START_TAG, ASSET_PARTITION_RANGE_END_TAG)
SALES = '+key:"warehouse/fact_sales" or key:"affected/affected_quarantine" or key:"staging/quarantine"'
HISTORY = (NEW_DAYS[0] - START).days


def _begin(demo):
    """Make this process's home one of a demo."""
    settings.cache_clear()
    set_calendar(demo)
    remember(demo)


@pytest.fixture
def small(deploy):
    """The home of a demo of few, whose history has just been simulated."""
    deploy()
    demo = Demo(20, 7, LAST - timedelta(days=29), 30, until=LAST, asked_for=LAST)
    _begin(demo)
    days.retailer_of(demo).write_evening(settings().home / "sources", LAST)
    return demo


def test_days_at_once_are_the_days_one_by_one(deployment, retailer, built, monkeypatch):
    """The tables are those of a retailer whose line was never wrong: it was held back, and came out again.

    The sales of the ERP alone: of all tables the laws say so (laws/test_windows.py), and of all sources
    `simulated_retailer/test_living.py`.
    """
    run_range = launch.run_range
    monkeypatch.setattr(
        launch,
        "run_range",
        lambda first, last, _, full_refresh, console: run_range(first, last, SALES, full_refresh, console),
    )
    living = LivingRetailer(with_slips(retailer, HISTORY), HISTORY)
    monkeypatch.setattr(days, "retailer_of", lambda demo: living)
    weeks = []

    def run_weeks(*asked, console):
        weeks.append(asked)
        return RunResult(True, 0, 1)

    monkeypatch.setattr(launch, "run_weeks", run_weeks)
    before = NEW_DAYS[0] - timedelta(days=1)
    _begin(Demo(1500, 11, START, HISTORY, until=before, asked_for=before))
    console = Console(quiet=True)

    assert go_on(console, 2)
    slips = living.retailer.truth["slips"].to_pylist()
    (slip,) = (row for row in slips if row["since"].date() == NEW_DAYS[1])
    line = re.findall(r"\d+", slip["key"])[1]
    held = "select count(*) from staging.quarantine where row_key like '%{}%' and reason like '%quantity%'"
    assert deployment.query(held.format(line)) == [(1,)]
    assert weeks == [(date(2024, 4, 1), NEW_DAYS[1], "")]
    assert load_settings().today == NEW_DAYS[2]

    assert go_on(console, 2)
    assert deployment.query(held.format(line)) == [(0,)]
    assert len(weeks) == 1
    for table in ("warehouse.fact_sales", "staging.stg_sales_orders"):
        assert deployment.rows(table, "columns('^[^_]')") == built.rows(table, "columns('^[^_]')")
    assert demo_at_home().until == demo_at_home().asked_for == NEW_DAYS[-1]


def test_only_a_demo_has_a_next_day(deploy):
    home = deploy().settings.home
    with pytest.raises(UserError, match=r"Only a demo has a next day.*retail-assets demo"):
        go_on(Console(quiet=True), 1)
    (home / "retail.env").write_text("RETAIL_START_DATE=2024-01-01\n")
    (home / "demo.json").write_text("{}")
    settings.cache_clear()
    with pytest.raises(UserError, match=r"whose retail.env is not of a demo.*Only a demo has a next day"):
        go_on(Console(quiet=True), 1)
    assert not (home / "sources").exists()


def test_a_day_that_is_not_over_is_refused(small):
    too_many = (yesterday() - LAST).days + 1
    with pytest.raises(UserError, match=f"is not over: the demo has come to {LAST}"):
        go_on(Console(quiet=True), too_many)
    with pytest.raises(UserError, match="The simulated retailer's life ends with 2024-06-29"):
        go_on(Console(quiet=True), 91)
    assert demo_at_home() == small


@pytest.fixture
def instance():
    with dg.instance_for_test() as instance:
        yield instance


def test_a_night_lives_the_day_before_it_runs_it(small, instance):
    repository = definitions_of(settings()).get_repository_def()
    assert not repository.has_schedule_def("nightly")
    erp = settings().home / "sources" / "erp.sqlite"
    before = erp.read_bytes()
    tonight = datetime.now(UTC).replace(hour=2, minute=0) + timedelta(days=1)

    def tick(moment):
        context = dg.build_schedule_context(
            instance=instance, scheduled_execution_time=moment, repository_def=repository
        )
        return repository.get_schedule_def("demo_nightly").evaluate_tick(context)

    def asked(moment):
        (request,) = tick(moment).run_requests
        return [request.tags[name] for name in RANGE]

    assert asked(tonight) == ["2024-04-01", "2024-04-01"]
    assert erp.read_bytes() != before
    assert demo_at_home().until == date(2024, 4, 1)
    # Asked again, it is the same day; two nights were slept through.
    assert asked(tonight) == ["2024-04-01", "2024-04-01"]
    assert asked(tonight + timedelta(days=3)) == ["2024-04-02", "2024-04-04"]
    assert "The demo has come further" in tick(tonight).skip_message
    # Moved by hand while this process is up.
    moved = replace(demo_at_home(), until=date(2024, 4, 8), asked_for=date(2024, 4, 8))
    set_calendar(moved)
    remember(moved)
    assert asked(tonight) == ["2024-04-09", "2024-04-09"]
    assert "life ends with 2024-06-29" in tick(tonight + timedelta(days=90)).skip_message


def test_no_other_home_has_nights_of_a_demo(deploy, instance):
    other = deploy().settings
    assert demo_of(other) is None
    repository = definitions_of(other).get_repository_def()
    assert repository.has_schedule_def("nightly")
    assert not repository.has_schedule_def("demo_nightly")
