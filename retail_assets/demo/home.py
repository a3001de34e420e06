"""The demo's home: a folder that only demos have written, and that each of them starts over."""

import json
import os
import shutil
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import Console

from retail_assets.errors import UserError
from retail_assets.resources.warehouse import warehouse_of
from retail_assets.settings import PREFIX, SYSTEMS, Settings, settings

_WRITTEN = "# Written by `retail-assets demo`"
# What is somebody's if there is no retail.env, and what else a demo leaves.
_DATA = ("sources", "retail.duckdb", "published")
_TRACES = ("retail.duckdb.wal", "dlt", "truth", "reports")
_DEMO = "demo.json"
# What retail.env says of the demo's days. Demos of earlier versions had an end.
_DAYS = ("START_DATE", "END_DATE", "DAYS_BEHIND")


@dataclass(frozen=True)
class Demo:
    """A demo: who its retailer is, so that the same one can be simulated again, and how far it has come."""

    consumers: int
    seed: int
    first: date
    days: int
    """Of its history."""
    until: date
    """The day of whose evening the sources are."""
    asked_for: date
    """The last day that a run was asked for."""


def yesterday() -> date:
    """The last day that is over by the clock."""
    return datetime.now(ZoneInfo(settings().timezone)).date() - timedelta(days=1)


def end_of(day: date) -> datetime:
    """When a day is over, in the retailer's zone: a day less is the midnight before, of whatever length."""
    return datetime.combine(day + timedelta(days=1), time(), ZoneInfo(settings().timezone))


def demo_of(settings: Settings) -> Demo | None:
    """The demo in a home; None if it is no demo's."""
    path = settings.home / _DEMO
    if not path.exists() or _not_ours(settings):
        return None
    known: dict[str, Any] = json.loads(path.read_text())
    days = {name: date.fromisoformat(known[name]) for name in ("first", "until", "asked_for")}
    return Demo(known["consumers"], known["seed"], days=known["days"], **days)


def demo_at_home() -> Demo:
    """The demo in this home. Raises `UserError` if it is no demo's."""
    if demo := demo_of(settings()):
        return demo
    why = _not_ours(settings()) or f"{PREFIX}HOME is {settings().home}, in which no demo can go on."
    raise UserError(f"{why} Only a demo has a next day: begin one with `retail-assets demo`.")


def remember(demo: Demo) -> None:
    """Note how far the demo has come."""
    path = settings().home / _DEMO
    unfinished = path.with_name(f".{_DEMO}.{os.getpid()}")
    unfinished.write_text(json.dumps(asdict(demo), default=str))
    unfinished.replace(path)


def start_over(console: Console, demo: Demo) -> None:
    """Remove what an earlier demo left, but Dagster's history, and note the days of the new one.

    Raises `SystemExit` where sources, home or warehouse are not the demo's own; nothing is changed then.
    """
    if not_ours := _not_ours(settings()):
        raise SystemExit(
            f"{not_ours} The demo writes only a home of its own. Name a new folder:"
            f" {PREFIX}HOME=.retail-demo retail-assets demo"
        )
    with warehouse_of(settings()).writing(say=console.print):
        for name in (_DEMO, *_DATA, *_TRACES):
            _remove(settings().home / name)
        set_calendar(demo)
        remember(demo)


def _not_ours(settings: Settings) -> str:
    """What speaks against a demo with these settings, as a sentence."""
    if settings.warehouse != "duckdb":
        return f"{PREFIX}WAREHOUSE is {settings.warehouse}: unset it for the demo."
    for name in (f"{system}_url" for system in SYSTEMS):
        if getattr(settings, name):
            return f"{PREFIX}{name.upper()} names a system of your own: unset it for the demo."
    env = settings.home / "retail.env"
    if not env.exists():
        found = next((name for name in _DATA if (settings.home / name).exists()), None)
        return f"{PREFIX}HOME is {settings.home}, whose {found} is not of a demo." if found else ""
    first, *rest = env.read_text().splitlines() or [""]
    days = tuple(f"{PREFIX}{name}=" for name in _DAYS)
    if first.startswith(_WRITTEN) and all(line.startswith(days) for line in rest):
        return ""
    return f"{PREFIX}HOME is {settings.home}, whose retail.env is not of a demo, or has been changed."


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def set_calendar(demo: Demo) -> None:
    """Let the retailer's yesterday be the day that the demo has come to, and go on from there by the clock.

    For every later command on this home.
    """
    values = {"START_DATE": demo.first, "DAYS_BEHIND": (yesterday() - demo.until).days}
    lines = [f"{_WRITTEN}, {datetime.now(UTC):%Y-%m-%d}.\n"]
    lines += [f"{PREFIX}{name}={value}\n" for name, value in values.items()]
    path = settings().home / "retail.env"
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    unfinished.write_text("".join(lines))
    unfinished.replace(path)
    for name in (*_DAYS, "SOURCES"):
        os.environ.pop(PREFIX + name, None)
    settings.cache_clear()
