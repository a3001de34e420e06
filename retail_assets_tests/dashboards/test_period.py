"""What an address chooses."""

from datetime import date, timedelta

import hypothesis.strategies as st
import pytest
from hypothesis import given

from retail_assets.catalog.project import PROJECT_DIR
from retail_assets.dashboards.pages import read_pages
from retail_assets.dashboards.period import choice
from retail_assets.dashboards.site import address_of

PAGES = {page.name: page for page in read_pages(PROJECT_DIR)}
NEWEST = date(2024, 5, 31)
CHANNELS = {"channel": ["online", "reseller", "webshop"]}
DAYS = st.dates(date(2000, 1, 1), date(2100, 1, 1))


def test_at_first_a_page_shows_its_days_until_the_newest():
    chosen = choice(PAGES["sales"], NEWEST, {}, CHANNELS)
    assert (chosen.first, chosen.last, chosen.days) == (date(2024, 5, 4), NEWEST, 28)
    assert (chosen.before(PAGES["sales"]).first, chosen.before(PAGES["sales"]).last) == (
        date(2024, 4, 6),
        date(2024, 5, 3),
    )
    # A Friday is compared with Fridays.
    today = choice(PAGES["today"], NEWEST, {}, {})
    assert today.before(PAGES["today"]).last == date(2024, 5, 24)
    assert today.year_before.last == date(2023, 6, 2)
    assert today.year_before.last.weekday() == NEWEST.weekday()


@given(first=DAYS, last=DAYS, channels=st.sets(st.sampled_from(CHANNELS["channel"])))
def test_an_address_says_the_whole_choice(first, last, channels):
    from urllib.parse import parse_qs

    chosen = choice(
        PAGES["sales"],
        NEWEST,
        {"from": [str(first)], "to": [str(last)], "channel": sorted(channels)},
        CHANNELS,
    )
    assert chosen.first <= chosen.last
    assert chosen.end - chosen.first == timedelta(days=chosen.days)
    again = choice(PAGES["sales"], NEWEST, parse_qs(address_of(chosen)), CHANNELS)
    assert (again.first, again.last, again.chosen) == (chosen.first, chosen.last, chosen.chosen)
    assert again.ignored == []
    assert {*chosen.chosen["channel"]} == channels


@pytest.mark.parametrize("said", ["0001-01-01", "9999-12-31"])
def test_a_day_that_no_retailer_has_is_ignored(said):
    chosen = choice(PAGES["sales"], NEWEST, {"from": [said]}, CHANNELS)
    assert chosen.days == 28
    assert chosen.ignored == [f"{said} is not a day that a retailer has."]


@pytest.mark.parametrize("said", ["31.5.2024", "soon", "2024-02-30", "2024-05-31'; drop"])
def test_what_is_no_day_is_told_and_ignored(said):
    chosen = choice(PAGES["sales"], NEWEST, {"to": [said], "channel": ["shop"]}, CHANNELS)
    assert chosen.last == NEWEST
    assert chosen.chosen["channel"] == []
    assert [each.split(";")[0] for each in chosen.ignored][-1] == "Channel has no shop."
    assert "is no day" in chosen.ignored[0]
