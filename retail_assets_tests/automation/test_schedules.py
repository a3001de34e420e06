"""When last week's segments are made: on Monday, once Sunday's partition of all that they read is in."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from retail_assets.definitions import definitions_of
from retail_assets.demand.assets import SERIES_KEY
from retail_assets.lifetime_value.assets import PURCHASES
from retail_assets.prices.assets import CALENDAR_KEY, ELASTICITY_KEY
from retail_assets.recommendations.assets import MODELS
from retail_assets.segmentation.assets import FEATURES

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
        assert repository.get_schedule_def("mondays").cron_schedule == "*/10 2-23 * * 2"
        for key in evaluate.parents:
            instance.report_runless_asset_event(dg.AssetMaterialization(key, partition="2024-03-17"))
        (request,) = evaluate(MONDAY + timedelta(days=8)).run_requests
        assert request.partition_key_range == dg.PartitionKeyRange("2024-03-11", "2024-03-11")


def test_a_week_that_is_none_of_the_retailers_is_not_asked_for(evaluate):
    assert "none of the retailer's weeks" in evaluate(datetime(2024, 3, 4, 3, 10, tzinfo=UTC)).skip_message
    assert "none of the retailer's weeks" in evaluate(datetime(2025, 3, 10, 3, 10, tzinfo=UTC)).skip_message
