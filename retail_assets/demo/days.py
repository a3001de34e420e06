"""The demo's next days: the simulated retailer lives them, and its systems show it."""

from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

from filelock import FileLock

from retail_assets.demo.home import Demo, demo_at_home, end_of, remember
from retail_assets.errors import UserError
from retail_assets.settings import settings

if TYPE_CHECKING:
    from simulated_retailer import LivingRetailer, News


def retailer_of(demo: Demo) -> "LivingRetailer":
    """The demo's retailer, simulated again: the same one each time."""
    from simulated_retailer import live

    return live(consumers=demo.consumers, days=demo.days, seed=demo.seed, start=demo.first)


def live_on(until: date) -> "News | None":
    """Let the sources show the evening of a day; what has happened since the evening that they showed.

    None if they show it, or a later one. Raises `UserError` if the home is no demo's, or the retailer's life
    ends before.
    """
    from simulated_retailer import news_of

    with FileLock(settings().home / "demo.lock"):
        demo = demo_at_home()
        if until <= demo.until:
            return None
        retailer = retailer_of(demo)
        if until > retailer.last:
            raise UserError(
                f"The simulated retailer's life ends with {retailer.last}, and {until} is after it:"
                " begin another one with `retail-assets demo`."
            )
        news = news_of(retailer, day_after(demo.until), until)
        retailer.write_evening(settings().home / "sources", until, end_of(until))
        remember(replace(demo, until=until))
    return news


def day_after(day: date) -> date:
    """The day after another."""
    return day + timedelta(days=1)
