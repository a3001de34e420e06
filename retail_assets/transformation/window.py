"""Passing a partition's window to dbt, as variables. A pure function."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from retail_assets.catalog.contract import KEY_TYPES
from retail_assets.windows import Window

# Ten million order lines need as much for two models at once.
LITTLE_MEMORY = 8e9
LONG = timedelta(days=31)


def build_arguments(
    window: Window,
    timezone: str,
    *,
    text_keys: Iterable[str] = (),
    full_refresh: bool = False,
    restating: Mapping[str, Any] | None = None,
    selection: Sequence[str] = (),
    memory: float = float("inf"),
) -> list[str]:
    """dbt's arguments to build what changed in a window.

    `timezone` is the zone of the retailer's days. The window's bounds are passed in UTC without a zone, like
    all times in the models. `text_keys` are the systems whose keys are text in raw (macros/keys.sql).
    `restating` says which figures were reported before (macros/restatements.sql). With little `memory`, in
    bytes, a long window's models are built one after the other: two at once would share it.
    """
    variables = {
        "window_start": f"{window.start:%Y-%m-%d %H:%M:%S}",
        "window_end": f"{window.end:%Y-%m-%d %H:%M:%S}",
        "timezone": timezone,
        **{f"{system}_keys": KEY_TYPES["text"] for system in text_keys},
        **({"restating": restating} if restating else {}),
    }
    return [
        "build",
        "--exclude-resource-type", "unit_test",
        *selection,
        "--vars", json.dumps(variables),
        *(["--full-refresh"] if full_refresh else []),
        *(["--threads", "1"] if memory < LITTLE_MEMORY and window.end - window.start > LONG else []),
    ]  # fmt: skip
