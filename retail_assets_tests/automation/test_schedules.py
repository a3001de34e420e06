"""When last week's segments are made: on Monday, once Sunday's partition of all that they read is in."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

import dagster as dg
import pytest
from dagster._core.remote_representation.external_data import ScheduleSnap

from retail_assets.definitions import definitions_of
from retail_assets.demand.assets import SERIES_KEY
from retail_assets.lifetime_value.assets import PURCHASES
from retail_assets.prices.assets import CALENDAR_KEY, ELASTICITY_KEY
from retail_assets.recommendations.assets import MODELS
from retail_assets.segmentation.assets import FEATURES
from retail_assets_tests.faults import Area, fault

MONDAY = datetime(2024, 3, 18, 3, 10, tzinfo=UTC)


@dataclass
class Mondays:
    """Evaluates the schedule at a time of day on Monday 2024-03-18."""

    repository: dg.RepositoryDefinition
    instance: dg.DagsterInstance

    def __call__(self, moment=MONDAY):
        context = dg.build_schedule_context(
            instance=self.instance, scheduled_execution_time=moment, repository_def=self.repository
        )
        return self.repository.get_schedule_def("mondays").evaluate_tick(context)

    @property
    def parents(self):
        graph = self.repository.asset_graph
        return set().union(
            *(
                graph.get(key).parent_keys
                for key in (FEATURES, PURCHASES, SERIES_KEY, ELASTICITY_KEY, CALENDAR_KEY, *MODELS)
            )
        )


@pytest.fixture
def evaluate(deploy):
    with dg.instance_for_test() as instance:
        yield Mondays(definitions_of(deploy().settings).get_repository_def(), instance)


@dataclass
class Nights:
    """Evaluates the nightly schedule in the night after a day, in which nothing else has run."""

    repository: dg.RepositoryDefinition
    instance: dg.DagsterInstance

    def __call__(self, day):
        moment = datetime.combine(day + timedelta(days=1), time(2), UTC)
        context = dg.build_schedule_context(
            instance=self.instance, scheduled_execution_time=moment, repository_def=self.repository
        )
        schedule = self.repository.get_schedule_def("nightly")
        return schedule.evaluate_tick(context)

    def built(self, day, *names):
        """As if a run had made these tables for the day."""
        for name in names:
            self.instance.report_runless_asset_event(
                dg.AssetMaterialization(dg.AssetKey(name.split(".")), partition=day.isoformat())
            )


@pytest.fixture
def nights(deploy):
    with dg.instance_for_test() as instance:
        yield Nights(definitions_of(deploy().settings).get_repository_def(), instance)


def _asked(evaluated):
    (request,) = evaluated.run_requests
    asked = request.partition_key_range
    return (request.partition_key,) if asked is None else (asked.start, asked.end)


def test_a_night_is_of_its_day_alone(nights):
    """In a new deployment, too: its history is for a backfill to make."""
    assert _asked(nights(date(2024, 3, 19))) == ("2024-03-19",)
    nights.built(date(2024, 3, 18), "warehouse.fact_sales", "raw_erp.product")
    evaluated = nights(date(2024, 3, 19))
    assert _asked(evaluated) == ("2024-03-19",)
    assert evaluated.run_requests[0].run_key == nights(date(2024, 3, 19)).run_requests[0].run_key


@fault(
    Area.MACHINE,
    "The machine is away for days",
    "The next night's run is of all of them, at once; a day of which something is in is left alone.",
    times=2,
)
def test_nights_that_were_missed_are_in_the_next_run(nights):
    nights.built(date(2024, 3, 15), "warehouse.fact_sales")
    nights.built(date(2024, 3, 12), "raw_erp.product")
    assert _asked(nights(date(2024, 3, 19))) == ("2024-03-16", "2024-03-19")
    nights.built(date(2024, 3, 17), "raw_erp.product")
    assert _asked(nights(date(2024, 3, 19))) == ("2024-03-18", "2024-03-19")


def test_before_the_first_day_there_is_no_night(nights):
    assert "None of the retailer's days" in nights(date(2024, 2, 20)).skip_message


def test_dagster_evaluates_only_the_last_of_the_ticks_that_were_missed(nights):
    """It catches up with schedules that have a partition set; a run over the missed days is enough."""
    snap = ScheduleSnap.from_def(nights.repository.get_schedule_def("nightly"), nights.repository)
    assert snap.partition_set_name is None


def test_a_monday_that_was_missed_is_made_up_for(evaluate):
    """And the weeks before that nobody ran, in the same run."""
    for key in evaluate.parents:
        evaluate.instance.report_runless_asset_event(dg.AssetMaterialization(key, partition="2024-03-17"))
    (request,) = evaluate(MONDAY + timedelta(days=2)).run_requests
    assert (request.run_key, request.partition_key) == ("week 2024-03-11", "2024-03-11")
    evaluate.instance.report_runless_asset_event(dg.AssetMaterialization(FEATURES, partition="2024-03-04"))
    for key in evaluate.parents:
        evaluate.instance.report_runless_asset_event(dg.AssetMaterialization(key, partition="2024-03-31"))
    (request,) = evaluate(MONDAY + timedelta(days=16)).run_requests
    assert request.partition_key_range == dg.PartitionKeyRange("2024-03-11", "2024-03-25")


def test_waits_for_sunday_then_asks_for_the_week_once(evaluate):
    waiting = evaluate()
    assert not waiting.run_requests
    assert "Sunday's partition 2024-03-17 is not in yet" in waiting.skip_message
    *most, last = sorted(evaluate.parents)
    for key in most:
        evaluate.instance.report_runless_asset_event(dg.AssetMaterialization(key, partition="2024-03-17"))
    evaluate.instance.report_runless_asset_event(dg.AssetMaterialization(last, partition="2024-03-16"))
    assert last.to_user_string() in evaluate().skip_message
    evaluate.instance.report_runless_asset_event(dg.AssetMaterialization(last, partition="2024-03-17"))
    (request,) = evaluate().run_requests
    assert request.partition_key == "2024-03-11"
    assert evaluate().run_requests[0].run_key == request.run_key


def test_a_demo_whose_calendar_is_behind_asks_on_its_own_monday(deploy):
    with dg.instance_for_test() as instance:
        repository = definitions_of(deploy(days_behind=8).settings).get_repository_def()
        evaluate = Mondays(repository, instance)
        assert "*/10 2-23 * * 2" in repository.get_schedule_def("mondays").cron_schedule
        for key in evaluate.parents:
            instance.report_runless_asset_event(dg.AssetMaterialization(key, partition="2024-03-17"))
        (request,) = evaluate(MONDAY + timedelta(days=8)).run_requests
        assert request.partition_key_range == dg.PartitionKeyRange("2024-03-11", "2024-03-11")


def test_a_week_that_is_none_of_the_retailers_is_not_asked_for(evaluate):
    assert "none of the retailer's weeks" in evaluate(datetime(2024, 3, 4, 3, 10, tzinfo=UTC)).skip_message
    assert "none of the retailer's weeks" in evaluate(datetime(2025, 3, 10, 3, 10, tzinfo=UTC)).skip_message
