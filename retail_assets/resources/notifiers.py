"""Where alerts go: always into a file in the home, and to a webhook if one is set."""

import json
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import asdict, dataclass

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


def notify(settings: Settings, alerts: Sequence[Alert]) -> None:
    """Deliver alerts. Raises `NotificationError` if the webhook did not take them."""
    if not alerts:
        return
    url = settings.alert_webhook_url.get_secret_value()
    if url:
        _post(url, "\n".join(_line(alert) for alert in alerts))
    with (settings.home / "alerts.jsonl").open("a", encoding="utf-8") as file:
        file.writelines(json.dumps(asdict(alert)) + "\n" for alert in alerts)


def _line(alert: Alert) -> str:
    times = f" ({alert.count} times)" if alert.count > 1 else ""
    return f"{alert.kind}: {alert.subject}{times}: {alert.text}"


def _post(url: str, text: str) -> None:
    request = urllib.request.Request(
        url, json.dumps({"text": text}).encode(), {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS):
            return
    except (urllib.error.URLError, TimeoutError) as error:
        # The address is a secret: it is in no message.
        reason = getattr(error, "reason", None) or getattr(error, "code", "no answer")
        raise NotificationError(f"The alert webhook did not take the message: {reason}") from None
