"""The results of checks that only warn: what is there is right, and nothing is lost."""

from collections.abc import Mapping
from typing import Any

import dagster as dg


def warned(check: dg.AssetCheckKey, told: str, metadata: Mapping[str, Any]) -> dg.AssetCheckResult:
    """The result of such a check. It passes if there is nothing to tell."""
    return dg.AssetCheckResult(
        check_name=check.name,
        asset_key=check.asset_key,
        passed=not told,
        severity=dg.AssetCheckSeverity.WARN,
        description=told or None,
        metadata=metadata,
    )
