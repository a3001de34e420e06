"""Where alerts go: always into a file in the home, and to a webhook if one is set."""

import json
import urllib.request
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from http.client import HTTPException

from retail_assets.settings import Settings

TIMEOUT_SECONDS = 10


class NotificationError(Exception):
    """An alert could not be delivered; it has to be tried again."""


@dataclass(frozen=True)
class Alert:
    """One thing that somebody should know: a check that failed, a run that failed, an asset that is late."""

    kind: str
    subject: str
    text: str
    timestamp: float
    # The same trouble has the same fingerprint, however often it is seen.
    fingerprint: str
    count: int = 1


def record(settings: Settings, alerts: Sequence[Alert]) -> None:
    """Write alerts at the end of `alerts.jsonl` in the home, one line each."""
    if not alerts:
        return
    with (settings.home / "alerts.jsonl").open("a", encoding="utf-8") as file:
        file.writelines(json.dumps(asdict(alert)) + "\n" for alert in alerts)


def post(settings: Settings, alerts: Sequence[Alert]) -> None:
    """Send alerts to the webhook, if one is set. Raises `NotificationError` if it did not take them."""
    url = settings.alert_webhook_url.get_secret_value()
    if url and alerts:
        _post(url, "\n".join(_line(alert) for alert in alerts))


def _line(alert: Alert) -> str:
    times = f" ({alert.count} times)" if alert.count > 1 else ""
    return f"{alert.kind}: {alert.subject}{times}: {alert.text}"


def _post(url: str, text: str) -> None:
    try:
        request = urllib.request.Request(
            url, json.dumps({"text": text}).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS):
            return
    except (OSError, ValueError, HTTPException) as error:
        # The address is a secret. The text of an error may hold it; its status, reason or kind does not.
        told = (getattr(error, name, None) for name in ("code", "reason"))
        why = next(filter(None, told), type(error).__name__)
        raise NotificationError(f"The alert webhook did not take the message: {why}") from None
