import json
from datetime import UTC, date, datetime, timedelta

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


def test_with_little_memory_a_long_window_is_built_one_model_at_a_time():
    start = datetime(2024, 1, 1, tzinfo=UTC)
    night, year = (Window(start, start + timedelta(days=days)) for days in (1, 365))
    assert "--threads" not in build_arguments(year, "UTC", memory=8e9)
    assert "--threads" not in build_arguments(night, "UTC", memory=4e9)
    arguments = build_arguments(year, "UTC", memory=4e9)
    assert arguments[arguments.index("--threads") + 1] == "1"


def test_memory_as_a_number():
    assert Settings(memory="4GB").memory_bytes == 4e9
    assert Settings(memory="512 MiB").memory_bytes == 512e6
    assert 0 < Settings(memory="10%").memory_bytes < Settings(memory="60%").memory_bytes
