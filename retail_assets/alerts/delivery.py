"""Sending messages, by Apprise: e-mail, Slack, Teams, PagerDuty, webhooks and many more by their URLs."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from retail_assets.alerts.incidents import Severity
from retail_assets.errors import UserError

RECOVERED = "recovered"
Send = Callable[[Sequence[str], str, str, str], None]


class DeliveryError(UserError):
    """A message was not taken; it is tried again."""


def send(urls: Sequence[str], title: str, body: str, kind: Severity | str) -> None:
    """Send a message to each address. Raises `DeliveryError` if any did not take it.

    Apprise does not say why to its caller; what it logs names the service and its answer, and no address.
    """
    from apprise import Apprise, NotifyType

    types = {"error": NotifyType.FAILURE, "warning": NotifyType.WARNING, RECOVERED: NotifyType.SUCCESS}
    for url in urls:
        apprise = Apprise()
        if not apprise.add(url):
            raise DeliveryError(f"{_scheme(url)} is no address that Apprise knows.")
        with _logged() as lines:
            taken = apprise.notify(body=body, title=title, notify_type=types.get(kind, NotifyType.INFO))
        if not taken:
            why = f": {lines[0]}" if lines else ""
            raise DeliveryError(f"{_scheme(url)} did not take the message{why}")


def is_address(url: str) -> bool:
    """Whether Apprise knows the service of an address."""
    from apprise import Apprise

    with _logged():
        return bool(Apprise().add(url))


def _scheme(url: str) -> str:
    """What of an address is no secret."""
    return f"{url.partition('://')[0]}://"


@contextmanager
def _logged() -> Iterator[list[str]]:
    """What Apprise warns of, instead of on the screen. Debug lines, which have addresses, are not read."""
    lines: list[str] = []

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(record.getMessage())

    logger, handler = logging.getLogger("apprise"), Handler(level=logging.WARNING)
    propagate, logger.propagate = logger.propagate, False
    logger.addHandler(handler)
    try:
        yield lines
    finally:
        logger.removeHandler(handler)
        logger.propagate = propagate
