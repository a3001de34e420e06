"""A connection where runs write: statements, and tables of numbers in and out as Arrow."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa


class Session(ABC):
    """What runs one statement and returns its rows when it is called."""

    @abstractmethod
    def __call__(self, statement: str) -> Sequence[tuple[Any, ...]]:
        """Run a statement: its rows."""

    @abstractmethod
    def days_later(self, day: str, days: str) -> str:
        """A date so many days after another, as SQL: engines write it differently."""

    @abstractmethod
    def read(self, statement: str) -> "pa.Table":
        """The result of a query; columns by lower-case names."""

    @abstractmethod
    def holding(self, name: str, rows: "pa.Table") -> AbstractContextManager[str]:
        """A context in which statements can read `rows`, by the name that it gives.

        `name` is a schema and a table of it that nobody else uses. Not inside a transaction.
        """

    @abstractmethod
    def keeping(self, name: str, query: str) -> AbstractContextManager[str]:
        """A context in which statements can read a query's result, by the name that it gives.

        `name` is as of `holding`. Not inside a transaction.
        """


class DuckDBSession(Session):
    """Rows are read where they lie in memory."""

    def __init__(self, connection: "duckdb.DuckDBPyConnection"):
        self._connection = connection

    def __call__(self, statement: str) -> Sequence[tuple[Any, ...]]:
        return self._connection.execute(statement).fetchall()

    def days_later(self, day: str, days: str) -> str:
        return f"({day} + cast({days} as integer))"

    def read(self, statement: str) -> "pa.Table":
        return self._connection.sql(statement).to_arrow_table()

    @contextmanager
    def holding(self, name: str, rows: "pa.Table") -> Iterator[str]:
        short = name.split(".")[-1]
        self._connection.register(short, rows)
        try:
            yield short
        finally:
            self._connection.unregister(short)

    @contextmanager
    def keeping(self, name: str, query: str) -> Iterator[str]:
        short = name.split(".")[-1]
        self._connection.execute(f"create or replace temporary table {short} as {query}")
        try:
            yield short
        finally:
            self._connection.execute(f"drop table {short}")
