"""One look at the deployment, and what follows from it."""

from collections.abc import Mapping
from typing import Any

import dagster as dg
from filelock import FileLock

from retail_assets.alerts.delivery import send
from retail_assets.alerts.inbox import Inbox
from retail_assets.alerts.routes import RoutesError, contacts, destinations, routes
from retail_assets.alerts.watch import Watch
from retail_assets.settings import Settings


def watched(settings: Settings, instance: dg.DagsterInstance, graph: Any, now: float) -> str:
    """Look, note and send. Gives what happened, in a line."""
    inbox = Inbox(settings.home)
    trouble: list[str] = []
    responsible: Mapping[str, str] = {}
    try:
        ways, responsible = routes(settings), contacts(settings)
    except RoutesError as error:
        # Better to everybody than to nobody.
        ways, trouble = routes(settings, follow=False), [str(error)]
    # Two daemons on one home would both look on from the same place.
    with FileLock(settings.home / "alerts.lock"):
        look, state = Watch(instance, graph, settings.ui_url.rstrip("/"), responsible).look(
            inbox.state(), now
        )
        new, over = inbox.record(list(look.found.values()), look.over, ways, now, state)
        trouble += inbox.deliver(destinations(settings), send, now)
    said = f"{look.runs} runs; {new} new alerts, {over} recovered."
    return " ".join([said, *(f"Not sent: {each}." for each in trouble)])
