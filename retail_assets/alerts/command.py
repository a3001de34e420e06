"""`retail-assets alerts`: the inbox in a terminal."""

from collections.abc import Sequence
from datetime import UTC, datetime

from rich.console import Console
from rich.table import Table
from rich.text import Text

from retail_assets.alerts import messages
from retail_assets.alerts.delivery import DeliveryError, send
from retail_assets.alerts.inbox import Inbox, Known
from retail_assets.alerts.routes import destinations, routes
from retail_assets.errors import UserError
from retail_assets.resources.terminal import harmless, lines
from retail_assets.settings import settings

SECONDS_PER_HOUR = 3600


def show_list(out: Console, everything: bool) -> None:
    """A line per alert."""
    known = _inbox().open(_now(), also_over=everything)
    if known:
        out.print(_table(known))
    else:
        out.print("Nothing is wrong that the sensor `alerts` has seen. It looks while `dev` runs.")
    for destination, title, why in _inbox().waiting():
        out.print(lines(f"Not sent yet to {destination}: {title}. {why}"), highlight=False)


def show_one(out: Console, number: int) -> None:
    """The message of an alert, and what has become of it."""
    known = _inbox().known(number, _now())
    title, body = messages.opened(known.incident, number)
    out.print(lines(title, "bold"), highlight=False)
    out.print(lines(body), highlight=False)
    seen = f"first seen {messages.moment(known.opened_at)}, {known.count:,} times"
    over = f", over {messages.moment(known.closed_at)}" if known.closed_at else ""
    out.print(f"{known.state.capitalize()}; {seen}{over}.", highlight=False)


def acknowledge(out: Console, number: int) -> None:
    """Note that somebody is at it."""
    _inbox().acknowledge(number, _now())
    out.print(f"Noted: somebody is at alert {number}.", highlight=False)


def close(out: Console, number: int) -> None:
    """Note that nothing more is to be done about an alert."""
    _inbox().close(number, _now())
    out.print(f"Closed: alert {number}. If it is seen again, that is a new one.", highlight=False)


def mute(out: Console, number: int, hours: float) -> None:
    """Send no messages about an alert for some hours."""
    until = _now() + hours * SECONDS_PER_HOUR
    _inbox().mute(number, until, _now())
    out.print(f"No messages about alert {number} before {messages.moment(until)}.", highlight=False)


def send_test(out: Console) -> bool:
    """Send a message to each destination; True if all took it."""
    known = destinations(settings())
    routes(settings())
    if not known:
        raise UserError("RETAIL_ALERT_URLS has no address.")
    all_well = True
    for name, urls in known.items():
        try:
            send(urls, "Test of retail_assets' alerts", "If you read this, alerts arrive here.", "test")
            out.print(f"ok    {name}", highlight=False)
        except DeliveryError as error:
            all_well = False
            out.print(lines(f"wrong {name}: {error}"), highlight=False)
    return all_well


def _table(known: Sequence[Known]) -> Table:
    table = Table("alert", "since (UTC)", "state", "what", box=None, pad_edge=False)
    for each in known:
        times = f" ({each.count:,} times)" if each.count > 1 else ""
        table.add_row(
            str(each.number),
            f"{datetime.fromtimestamp(each.opened_at, UTC):%m-%d %H:%M}",
            each.state,
            Text(f"{each.incident.severity}: {harmless(each.incident.title)}{times}"),
        )
    return table


def _inbox() -> Inbox:
    return Inbox(settings().home)


def _now() -> float:
    return datetime.now(UTC).timestamp()
