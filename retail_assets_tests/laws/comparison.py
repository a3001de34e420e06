"""How laws compare deployments: all rows of all tables to the right of staging."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from retail_assets_tests.conftest import NEW_DAYS, Deployment

Tables = Mapping[str, list[tuple[Any, ...]]]
CONSUMER_HISTORY = "model.retail_assets.wh_dim_consumer_history"


def assert_same(actual: Tables, expected: Tables) -> None:
    """Both have the same tables with the same rows, of which there are some."""
    assert actual.keys() == expected.keys()
    for table, rows in expected.items():
        assert rows, f"{table} is empty, which proves nothing"
        missing, unexpected = set(rows) - set(actual[table]), set(actual[table]) - set(rows)
        assert not missing, (table, len(missing), sorted(missing, key=str)[:2])
        assert not unexpected, (table, len(unexpected), sorted(unexpected, key=str)[:2])
        assert len(actual[table]) == len(rows), table


def assert_as_built(deployment: Deployment, built: Deployment, rebuilt_from: date = NEW_DAYS[-1]) -> None:
    """The deployment's tables are those of one backfill over all days, and of a rebuild from its own raw.

    The rebuild computes everything again, however many days its run is of: from `rebuilt_from` to the last.

    A database keeps only the newest address of a consumer, so that raw, which keeps every one that it has
    seen, knows more of them when it looked every day. What is made of them is compared with the rebuild
    alone.
    """
    tables, wanted = deployment.lasting(), built.lasting()
    of_what_was_seen = readers_of(CONSUMER_HISTORY, deployment.manifest)
    assert_same(_without(tables, of_what_was_seen), _without(wanted, of_what_was_seen))
    deployment.run(rebuilt_from, NEW_DAYS[-1], full_refresh=True, checks=False)
    assert_same(deployment.lasting(), tables)


def readers_of(unique_id: str, manifest: Mapping[str, Any]) -> set[str]:
    """A model, and all that is made of it."""
    children = manifest["child_map"]
    found: set[str] = set()
    waiting = [unique_id]
    while waiting:
        node = waiting.pop()
        if node not in found:
            found.add(node)
            waiting += children[node]
    return found


def _without(tables: Tables, left_out: Iterable[str]) -> Tables:
    return {name: rows for name, rows in tables.items() if name not in left_out}
