"""Whether the newest partition that is due is there: at any hour, cheaply, and of the assets of a run."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import dagster as dg
import pytest

from retail_assets.quality import newest_partition
from retail_assets.quality.newest_partition import newest_due, newest_partition_checks

DAYS = dg.DailyPartitionsDefinition("2024-03-01", end_date="2024-04-10", timezone="Europe/Berlin")
WEEKS = dg.WeeklyPartitionsDefinition("2024-03-01", timezone="Europe/Berlin", day_offset=1)
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("now", "newest"),
    [
        (datetime(2024, 3, 10, 23, 59, tzinfo=BERLIN), "2024-03-09"),
        # Over, but not due: the nightly run has not even begun.
        (datetime(2024, 3, 11, 0, 30, tzinfo=BERLIN), "2024-03-09"),
        (datetime(2024, 3, 11, 6, 0, tzinfo=BERLIN), "2024-03-09"),
        # The morning's look.
        (datetime(2024, 3, 11, 6, 15, tzinfo=BERLIN), "2024-03-10"),
        # The same on the day whose night has an hour less.
        (datetime(2024, 3, 31, 6, 15, tzinfo=BERLIN), "2024-03-30"),
        (datetime(2024, 3, 11, 5, 15, tzinfo=UTC), "2024-03-10"),
        # Nothing is due before the first day was, and nothing more after the last.
        (datetime(2024, 3, 2, 3, 0, tzinfo=BERLIN), None),
        (datetime(2024, 9, 1, 12, 0, tzinfo=BERLIN), "2024-04-09"),
    ],
)
def test_a_day_is_due_after_the_last_deadline(now, newest):
    assert newest_due(DAYS, now) == newest


def test_a_week_is_due_on_monday_morning():
    assert newest_due(WEEKS, datetime(2024, 3, 18, 6, 0, tzinfo=BERLIN)) == "2024-03-04"
    assert newest_due(WEEKS, datetime(2024, 3, 18, 6, 15, tzinfo=BERLIN)) == "2024-03-11"


@dg.asset(partitions_def=DAYS, backfill_policy=dg.BackfillPolicy.single_run())
def orders():
    return dg.MaterializeResult()


@dg.asset(partitions_def=DAYS, deps=[orders])
def sales():
    return dg.MaterializeResult()


CHECKS = newest_partition_checks([orders, sales])
DEFS = dg.Definitions(
    assets=[orders, sales],
    asset_checks=[CHECKS],
    jobs=[dg.define_asset_job("daily", "*", partitions_def=DAYS)],
)


def _run(instance, day, *assets):
    job = DEFS.resolve_job_def("daily").get_subset(asset_selection={dg.AssetKey(name) for name in assets})
    result = job.execute_in_process(instance=instance, partition_key=day)
    assert result.success
    return {each.asset_key.to_user_string(): each for each in result.get_asset_check_evaluations()}


def test_a_run_checks_the_assets_that_it_made(monkeypatch):
    monkeypatch.setattr(newest_partition, "newest_due", lambda *_: "2024-03-20")
    with dg.instance_for_test() as instance:
        verdicts = _run(instance, "2024-03-12", "orders", "sales")
        assert {name: each.passed for name, each in verdicts.items()} == {"orders": False, "sales": False}
        assert verdicts["sales"].description == (
            "Partition 2024-03-20 is not there; the latest that is: 2024-03-12."
        )
        made = _run(instance, "2024-03-20", "orders")
        assert [(name, each.passed) for name, each in made.items()] == [("orders", True)]
        # It is the materialization that the verdict is on which the UI asks for.
        (record,) = instance.get_asset_records([dg.AssetKey("orders")])
        target = made["orders"].target_materialization_data
        newest = record.asset_entry.last_materialization_record
        assert newest is not None
        assert target.storage_id == newest.storage_id
        # An old day that is made again changes nothing about the newest.
        again = _run(instance, "2024-03-02", "orders", "sales")
        assert {name: each.passed for name, each in again.items()} == {"orders": True, "sales": False}


def test_a_verdict_needs_no_look_at_all_partitions(monkeypatch):
    """What it costs does not grow with the history."""
    monkeypatch.setattr(newest_partition, "newest_due", lambda *_: "2024-03-20")
    with dg.instance_for_test() as instance:
        asked = []

        def every_partition(*args, **_):
            asked.append(args)
            return set()

        monkeypatch.setattr(instance, "get_materialized_partitions", every_partition)
        assert _run(instance, "2024-03-20", "orders", "sales")["sales"].passed
        assert asked == []
