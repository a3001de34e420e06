"""What is asked of days that are no partitions."""

from datetime import date

import pytest

from retail_assets.errors import UserError
from retail_assets.partitions import days_between

KEYS = ["2024-05-01", "2024-05-02", "2024-05-03"]


def test_days_are_all_from_the_first_to_the_last():
    assert days_between(KEYS, date(2024, 5, 2), date(2024, 5, 3)) == KEYS[1:]


def test_days_in_the_wrong_order_are_no_matter_of_settings():
    with pytest.raises(UserError, match="2024-05-01 lies before 2024-05-03: --from is the first day"):
        days_between(KEYS, date(2024, 5, 3), date(2024, 5, 1))


def test_days_outside_the_partitions_are_told_with_what_there_is():
    with pytest.raises(UserError, match="partitions, which are 2024-05-01 to 2024-05-03"):
        days_between(KEYS, date(2024, 5, 3), date(2024, 5, 4))
