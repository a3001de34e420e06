"""The demo's home: a folder that only demos have written, and that each of them starts over."""

import os
import shutil
from datetime import UTC, date, datetime
from pathlib import Path

from rich.console import Console

from retail_assets.resources.warehouse import warehouse_of
from retail_assets.settings import PREFIX, SYSTEMS, Settings, settings

_WRITTEN = "# Written by `retail-assets demo`"
# What is somebody's if there is no retail.env, and what else a demo leaves.
_DATA = ("sources", "retail.duckdb", "published")
_TRACES = ("retail.duckdb.wal", "dlt", "truth", "reports")


def start_over(console: Console, first: date, until: date | None) -> None:
    """Remove what an earlier demo left, but Dagster's history, and note the days of the new one.

    Raises `SystemExit` where sources, home or warehouse are not the demo's own; nothing is changed then.
    """
    if not_ours := _not_ours(settings()):
        raise SystemExit(
            f"{not_ours} The demo writes only a home of its own. Name a new folder:"
            f" {PREFIX}HOME=.retail-demo retail-assets demo"
        )
    with warehouse_of(settings()).writing(say=console.print):
        for name in (*_DATA, *_TRACES):
            _remove(settings().home / name)
        _remember(first, until)


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
    days = (f"{PREFIX}START_DATE=", f"{PREFIX}END_DATE=")
    if first.startswith(_WRITTEN) and all(line.startswith(days) for line in rest):
        return ""
    return f"{PREFIX}HOME is {settings.home}, whose retail.env is not of a demo, or has been changed."


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _remember(first: date, until: date | None) -> None:
    """The retailer's days, for every later command on this home."""
    values = {"START_DATE": first.isoformat()}
    if until:
        values["END_DATE"] = until.isoformat()
    lines = [f"{_WRITTEN}, {datetime.now(UTC):%Y-%m-%d}.\n"]
    lines += [f"{PREFIX}{name}={value}\n" for name, value in values.items()]
    (settings().home / "retail.env").write_text("".join(lines))
    for name in ("START_DATE", "END_DATE", "SOURCES"):
        os.environ.pop(PREFIX + name, None)
    settings.cache_clear()
