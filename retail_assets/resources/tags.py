"""What the statements of a run are for, so that Snowflake's query history says it (its query tag)."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

# Of all sessions that are opened now. A process runs one step at a time.
_purpose: dict[str, str] = {}


def purpose(context: dg.AssetExecutionContext) -> dict[str, str]:
    """A step by its name, its run, and its partition: the first and the last of a range."""
    first, last = context.partition_key_range
    return {
        "asset": context.op.name,
        "run": context.run_id,
        "partition": first if first == last else f"{first}/{last}",
    }


@contextmanager
def tagged(**purpose: str) -> Iterator[None]:
    """Sessions that are opened here say what they are for."""
    before = dict(_purpose)
    _purpose.update(purpose)
    try:
        yield
    finally:
        _purpose.clear()
        _purpose.update(before)


def query_tag() -> str:
    """What it is at the moment, as JSON; empty outside a step."""
    return json.dumps(_purpose, sort_keys=True) if _purpose else ""
