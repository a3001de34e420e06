"""One look at the deployment, and what follows from it."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import dagster as dg
from filelock import FileLock

from retail_assets.alerts.delivery import send
from retail_assets.alerts.inbox import Inbox
from retail_assets.alerts.routes import RoutesError, destinations, routes
from retail_assets.alerts.watch import Watch
from retail_assets.catalog.exposures import DASHBOARDS
from retail_assets.catalog.project import PROJECT_DIR
from retail_assets.dashboards.answers import tables_of
from retail_assets.dashboards.pages import read_pages
from retail_assets.settings import Settings


def watched(settings: Settings, instance: dg.DagsterInstance, graph: Any, now: float) -> str:
    """Look, note and send. Gives what happened, in a line."""
    inbox = Inbox(settings.home)
    trouble: list[str] = []
    try:
        ways = routes(settings)
    except RoutesError as error:
        # Better to everybody than to nobody.
        ways, trouble = routes(settings, follow=False), [str(error)]
    # Two daemons on one home would both look on from the same place.
    with FileLock(settings.home / "alerts.lock"):
        look, state = Watch(instance, graph, _pages(), settings.ui_url.rstrip("/")).look(inbox.state(), now)
        new, over = inbox.record(list(look.found.values()), look.over, ways, now, state)
        trouble += inbox.deliver(destinations(settings), send, now)
    said = f"{look.runs} runs; {new} new alerts, {over} recovered."
    return " ".join([said, *(f"Not sent: {each}." for each in trouble)])


def _pages() -> Callable[[], Mapping[str, Sequence[str]]]:
    """Gives the tables of each page. They are read if something is wrong, which it rarely is, and once."""

    @cache
    def read() -> Mapping[str, Sequence[str]]:
        return {
            page.title: [*tables_of(page), f"{DASHBOARDS}.{page.name}"] for page in read_pages(PROJECT_DIR)
        }

    return read
