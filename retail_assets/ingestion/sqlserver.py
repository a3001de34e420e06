"""What is particular to SQL Server: rows as Arrow, synonyms, types that are never read."""

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa
from sqlalchemy.dialects import mssql
from sqlalchemy.dialects.mssql.base import ischema_names

# The driver that has an Arrow reader.
ARROW_DRIVER = "mssqlpython"
# XML, and types that SQLAlchemy does not know: geography, geometry, hierarchyid. No figure is made of them,
# and each driver makes something else of them.
_NEVER_READ = (mssql.XML, sa.types.NullType)
_SYNONYMS = """
    select sys.schemas.name, sys.synonyms.name
    from sys.synonyms join sys.schemas on sys.synonyms.schema_id = sys.schemas.schema_id
    order by sys.schemas.name, sys.synonyms.name
"""
# Whatever stands behind a synonym, also in another database, and by the right to select from it alone.
_DESCRIBED = """
    select name, system_type_name, error_message
    from sys.dm_exec_describe_first_result_set(:query, null, 0)
    order by column_ordinal
"""


@dataclass(frozen=True)
class Column:
    """A column as it was found, with a type of SQLAlchemy's."""

    name: str
    type: sa.types.TypeEngine[Any]


def batches(result: sa.CursorResult[Any], names: Sequence[str], rows: int) -> Iterator[pa.RecordBatch]:
    """The rows of a result of mssql-python's, as Arrow that the driver builds, so many in a batch.

    The result must not be one of `stream_results`: SQLAlchemy would have taken the first row of it. One batch
    comes at least.
    """
    cursor: Any = result.cursor
    is_uuid = [described[1] is UUID for described in cursor.description]
    # Unless something holds the reader it is collected, and closes the result.
    reader = cursor.arrow_reader(rows)
    yield _alike(pa.RecordBatch.from_pylist([], reader.schema), names, is_uuid)
    for batch in reader:
        yield _alike(batch, names, is_uuid)


def readable(columns: Sequence[Any]) -> Sequence[Column]:
    """Columns as SQLAlchemy reflects them, without those that are never read."""
    found = [Column(column["name"], column["type"]) for column in columns]
    for column in found:
        if isinstance(column.type, mssql.DATETIMEOFFSET):
            # It does not say so by itself.
            column.type.timezone = True
    return [column for column in found if not isinstance(column.type, _NEVER_READ)]


def reflected(inspector: sa.Inspector, name: str, schema: str | None) -> Sequence[Column]:
    """The columns of a table or view, without those that are never read."""
    with warnings.catch_warnings():
        # Of geography and the like it says that it does not know them.
        warnings.simplefilter("ignore", sa.exc.SAWarning)
        return readable(inspector.get_columns(name, schema))


def synonyms(connection: sa.Connection) -> Sequence[tuple[str, str]]:
    """Schema and name of each synonym."""
    return [(str(schema), str(name)) for schema, name in connection.execute(sa.text(_SYNONYMS))]


def columns_of_synonym(connection: sa.Connection, name: str, schema: str) -> Sequence[Column]:
    """The columns of what stands behind a synonym. Raises `LookupError` if that is not there or denied."""
    quote = connection.dialect.identifier_preparer.quote_identifier
    query = f"select * from {quote(schema)}.{quote(name)}"
    rows = connection.execute(sa.text(_DESCRIBED), {"query": query}).all()
    for _, type_name, message in rows:
        if type_name is None:
            raise LookupError(message or f"{schema}.{name} cannot be described")
    return readable([{"name": name, "type": type_of(str(type_name))} for name, type_name, _ in rows])


def type_of(written: str) -> sa.types.TypeEngine[Any]:
    """SQLAlchemy's type for one that is written `decimal(19,4)`; NullType for one that it does not know."""
    kind = ischema_names.get(written.partition("(")[0])
    return sa.types.NullType() if kind is None else kind()


def _alike(batch: pa.RecordBatch, names: Sequence[str], is_uuid: Sequence[bool]) -> pa.RecordBatch:
    """A batch with values as the rows of any driver have them, so that the same row has the same hash."""
    columns = [
        pc.utf8_lower(column) if lower else _as_in_rows(column)
        for column, lower in zip(batch.columns, is_uuid, strict=True)
    ]
    return pa.RecordBatch.from_arrays(columns, list(names))


def _as_in_rows(column: pa.Array) -> pa.Array:
    if pa.types.is_float32(column.type):
        return column.cast(pa.float64())
    if pa.types.is_time64(column.type):
        return column.cast(pa.time64("us"), safe=False)
    return column
