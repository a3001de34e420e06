"""Simulated retailers that the tests of the simulation share, and ways to ask them."""

from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import duckdb
import pytest

from simulated_retailer import SYSTEMS, Retailer, simulate

Rows = list[tuple[Any, ...]]
Ask = Callable[[str], Rows]


@pytest.fixture(scope="session")
def small_retailer() -> Retailer:
    """A retailer small enough to be written day by day."""
    return simulate(consumers=1500, days=40, start=date(2024, 3, 1))


@pytest.fixture(scope="session")
def busy_retailer() -> Retailer:
    """A retailer with enough sales to measure shares."""
    return simulate(consumers=20_000, seed=11, start=date(2024, 1, 1))


@pytest.fixture(scope="session")
def ask(small_retailer: Retailer) -> Iterator[Ask]:
    """Ask the small retailer: <system>.<table> has the right rows as they stand at the end."""
    with connected(small_retailer) as connection:
        yield lambda query: connection.execute(query).fetchall()


@pytest.fixture(scope="session")
def ask_busy(busy_retailer: Retailer) -> Iterator[Ask]:
    """The same of the busy one."""
    with connected(busy_retailer) as connection:
        yield lambda query: connection.execute(query).fetchall()


def connected(retailer: Retailer) -> duckdb.DuckDBPyConnection:
    """`<system>.<table>` without wrong rows, `<system>.all_<table>` with all versions, `truth.<name>`."""
    connection = duckdb.connect()
    for name, table in retailer.truth.items():
        connection.execute("create schema if not exists truth")
        connection.register("given", table)
        connection.execute(f"create table truth.{name} as from given")
    for system, tables in retailer.versions.items():
        connection.execute(f"create schema {system}")
        for name, table in tables.items():
            connection.register("given", table)
            connection.execute(f'create table {system}."all_{name}" as from given')
            key = SYSTEMS[system].primary_key(name)[-1]
            connection.execute(
                f"""
                create view {system}."{name}" as from {system}."all_{name}" t
                where _until is null and not exists (
                    from truth.faults f
                    where f.system = '{system}' and f."table" = '{name}'
                      and f.key ->> '{key}' = t."{key}"::text
                )
                """
            )
    return connection
