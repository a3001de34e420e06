"""What a database has: schemas, tables, views, synonyms and their columns."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from typing import TypeVar

import sqlalchemy as sa

from retail_assets.ingestion import database_errors, sqlserver
from retail_assets.ingestion.errors import SourceError
from retail_assets.ingestion.sqlserver import Column

T = TypeVar("T")
# Schemas that a database has of its own.
_OF_THE_DATABASE = {
    *("information_schema", "INFORMATION_SCHEMA", "pg_catalog", "pg_toast", "sys", "guest", "mysql"),
    "performance_schema",
}


class DatabaseTables:
    """Asks for each thing once. An error becomes what `failure` makes of it."""

    def __init__(self, engine: sa.Engine, failure: Callable[[Exception], Exception]):
        self._engine = engine
        self._failure = failure
        self._dialect = engine.dialect.name

    def names(self, schema: str | None) -> list[str]:
        """All tables, views and synonyms of a schema, or of the default one; none if it is not there."""

        def asked() -> list[str]:
            actual = self._actual(schema)
            if schema and not actual:
                return []
            views = self._inspector.get_view_names(schema=actual)
            if self._dialect == "postgresql":
                views = [*views, *self._inspector.get_materialized_view_names(schema=actual)]
            synonyms = self._synonyms.get(actual or self._default or "", [])
            return [*views, *synonyms, *self._inspector.get_table_names(schema=actual)]

        return self._told(asked)

    def columns(self, name: str, schema: str | None) -> Sequence[Column]:
        """The columns of one of the names. Raises as a driver does, unless the connection was lost."""
        if self._dialect != "mssql":
            return [Column(each["name"], each["type"]) for each in self._inspector.get_columns(name, schema)]
        place = schema or self._default or ""
        if name in self._synonyms.get(place, []):
            with self._engine.connect() as connection:
                return sqlserver.columns_of_synonym(connection, name, place)
        return sqlserver.reflected(self._inspector, name, schema)

    def actual_schema(self, schema: str | None) -> str | None:
        """A schema's name as the database writes it."""
        return self._told(lambda: self._actual(schema))

    def by_name(self) -> Mapping[str, Sequence[str]]:
        """The columns of all that is not the database's own; those of the default schema without it."""

        def asked() -> Mapping[str, Sequence[str]]:
            found = {}
            for schema in self._inspector.get_schema_names():
                for name in [] if schema in _OF_THE_DATABASE else self.names(schema):
                    # What stands behind a synonym may be gone.
                    with suppress(LookupError):
                        columns = [column.name for column in self.columns(name, schema)]
                        found[name if schema == self._default else f"{schema}.{name}"] = columns
            return found

        return self._told(asked)

    def _actual(self, schema: str | None) -> str | None:
        if schema is None:
            return None
        return next(
            (each for each in self._inspector.get_schema_names() if each.lower() == schema.lower()), None
        )

    @cached_property
    def _inspector(self) -> sa.Inspector:
        """It remembers what it has asked for."""
        return sa.inspect(self._engine)

    @property
    def _default(self) -> str | None:
        return self._inspector.default_schema_name

    @cached_property
    def _synonyms(self) -> Mapping[str, Sequence[str]]:
        if self._dialect != "mssql":
            return {}
        found: dict[str, list[str]] = {}
        try:
            with self._engine.connect() as connection:
                for schema, name in sqlserver.synonyms(connection):
                    found.setdefault(schema, []).append(name)
        except sa.exc.DBAPIError as error:
            if database_errors.is_lost(error):
                raise
            # What only speaks like SQL Server may have none.
        return found

    def _told(self, ask: Callable[[], T]) -> T:
        try:
            return ask()
        except SourceError:
            raise
        except Exception as error:
            # Each driver has errors of its own, which come as they are from its first connection.
            raise self._failure(error) from error
