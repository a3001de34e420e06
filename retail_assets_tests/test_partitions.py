"""What is asked of days that are no partitions."""

from datetime import UTC, date, datetime, timedelta

import pytest

from retail_assets.errors import UserError
from retail_assets.freshness import monday
from retail_assets.partitions import daily_partitions, days_between, weekly_partitions
from retail_assets.settings import Settings

KEYS = ["2024-05-01", "2024-05-02", "2024-05-03"]


def test_days_are_all_from_the_first_to_the_last():
    assert days_between(KEYS, date(2024, 5, 2), date(2024, 5, 3)) == KEYS[1:]


def test_days_in_the_wrong_order_are_no_matter_of_settings():
    with pytest.raises(UserError, match="2024-05-01 lies before 2024-05-03: --from is the first day"):
        days_between(KEYS, date(2024, 5, 3), date(2024, 5, 1))


def test_days_outside_the_partitions_are_told_with_what_there_is():
    with pytest.raises(UserError, match="partitions, which are 2024-05-01 to 2024-05-03"):
        days_between(KEYS, date(2024, 5, 3), date(2024, 5, 4))


@pytest.mark.parametrize("behind", [0, *range(20, 29)])
def test_a_calendar_that_is_behind_the_clock_has_its_own_yesterday_and_weeks(behind):
    settings = Settings(days_behind=behind)
    today = datetime.now(UTC).date() - timedelta(days=behind)
    assert settings.today == today
    assert daily_partitions(settings).get_last_partition_key() == f"{today - timedelta(days=1)}"
    this_week = today - timedelta(days=today.weekday())
    assert weekly_partitions(settings).get_last_partition_key() == f"{this_week - timedelta(days=7)}"
    # Cron's Sunday is 0, Python's isoweekday 7.
    assert (this_week + timedelta(days=behind)).isoweekday() % 7 == monday(settings)
