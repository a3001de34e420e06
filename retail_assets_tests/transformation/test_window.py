import json
from datetime import UTC, date, datetime

import dagster as dg

from retail_assets.partitions import daily_partitions
from retail_assets.settings import Settings
from retail_assets.transformation.window import build_arguments
from retail_assets.windows import Window
from retail_assets_tests.faults import Area, fault


def test_arguments_of_a_window():
    window = Window(datetime(2024, 3, 30, 23, tzinfo=UTC), datetime(2024, 3, 31, 22, tzinfo=UTC))
    arguments = build_arguments(window, "Europe/Berlin", selection=["--select", "fact_sales"])
    assert arguments[0] == "build"
    assert arguments[3:5] == ["--select", "fact_sales"]
    assert "--full-refresh" not in arguments
    assert json.loads(arguments[arguments.index("--vars") + 1]) == {
        "window_start": "2024-03-30 23:00:00",
        "window_end": "2024-03-31 22:00:00",
        "timezone": "Europe/Berlin",
    }


@fault(Area.MACHINE, "The day on which summer time begins has 23 hours", "It is one partition of 23 hours.")
def test_days_are_the_retailers_and_both_ends_are_included():
    partitions = daily_partitions(
        Settings(
            home="/nowhere",
            start_date=date(2024, 3, 30),
            end_date=date(2024, 4, 1),
            timezone="Europe/Berlin",
        )
    )
    assert list(partitions.get_partition_keys()) == ["2024-03-30", "2024-03-31", "2024-04-01"]
    # The day on which summer time begins has 23 hours.
    window = partitions.time_window_for_partition_key("2024-03-31")
    assert isinstance(window, dg.TimeWindow)
    assert window.end.timestamp() - window.start.timestamp() == 23 * 3600
