"""Passing a partition's window to dbt, as variables. A pure function."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from retail_assets.catalog.contract import KEY_TYPES
from retail_assets.windows import Window


def build_arguments(
    window: Window,
    timezone: str,
    *,
    text_keys: Iterable[str] = (),
    full_refresh: bool = False,
    restating: Mapping[str, Any] | None = None,
    selection: Sequence[str] = (),
) -> list[str]:
    """dbt's arguments to build what changed in a window.

    `timezone` is the zone of the retailer's days. The window's bounds are passed in UTC without a zone, like
    all times in the models. `text_keys` are the systems whose keys are text in raw (macros/keys.sql).
    `restating` says which figures were reported before (macros/restatements.sql).
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
    ]  # fmt: skip
