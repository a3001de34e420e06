"""What is particular to PostgreSQL: rows by COPY, as Arrow, that never become Python objects.

COPY runs in the same transaction as any query, so it sees the same moment. It writes text, of which nothing
is rounded, and tells an empty text (`""`) from null.
"""

import io
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import sqlalchemy as sa

if TYPE_CHECKING:
    import psycopg

# The driver that has COPY as a stream.
COPY_DRIVER = "psycopg"
# A block is read at a time, so no row is larger.
BLOCK = 32 << 20
# Of a query the database sends some rows at a time, and the limit is of each; of COPY it is of all.
COPY_SECONDS = 3600

# By the numbers of PostgreSQL's types (its `pg_type`). Times stay text, as they do in rows: some that
# PostgreSQL has are none elsewhere.
_KINDS: Mapping[int, str] = {
    **dict.fromkeys((20, 21, 23), "whole"),
    **dict.fromkeys((700, 701), "float"),
    16: "boolean",
    1700: "decimal",
    **dict.fromkeys((25, 1042, 1043, 2950), "text"),
    **dict.fromkeys((1082, 1114, 1184), "text"),
}
_MOST_DIGITS = 38

_Query: TypeAlias = sa.Select[*tuple[Any, ...]] | sa.CompoundSelect[*tuple[Any, ...]]


def kinds(connection: sa.Connection, query: _Query) -> Sequence[str] | None:
    """How COPY writes the query's columns; None if one of them is of a type that it writes in its own way."""
    none = sa.select(sa.text("*")).select_from(query.subquery()).where(sa.false())
    described: Any = connection.execute(none).cursor
    found = [_KINDS.get(column.type_code, "") for column in described.description]
    return found if all(found) else None


def batches(
    connection: sa.Connection, query: _Query, names: Sequence[str], written: Sequence[str]
) -> Iterator[pa.RecordBatch]:
    """The rows of a query, whose columns are `written` so. One batch comes at least.

    Raises errors as SQLAlchemy does.
    """
    dialect: Any = connection.dialect
    compiled: Any = query.compile(dialect=dialect, compile_kwargs={"render_postcompile": True})
    statement = f"copy ({compiled}) to stdout (format csv)"
    driver: Any = connection.connection.driver_connection
    connection.execute(sa.text(f"set local statement_timeout = '{COPY_SECONDS}s'"))
    yield _empty(names, written)
    try:
        with driver.cursor() as cursor, cursor.copy(statement, compiled.params) as copy:
            reader = _csv(copy, names)
            for batch in reader or ():
                yield pa.RecordBatch.from_arrays(
                    [_typed(column, kind) for column, kind in zip(batch.columns, written, strict=True)],
                    list(names),
                )
    except dialect.loaded_dbapi.Error as error:
        raise sa.exc.DBAPIError.instance(
            statement, None, error, dialect.loaded_dbapi.Error, dialect=dialect
        ) from error


class _Stream(io.RawIOBase):
    """What COPY sends, as a file."""

    def __init__(self, copy: "psycopg.Copy", first: bytes):
        self._copy = copy
        self._rest = first

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        # A row comes at a time: as little as possible is done with each.
        room, parts, there = len(buffer), [self._rest], len(self._rest)
        while there < room and (row := self._copy.read()):
            parts.append(bytes(row))
            there += len(row)
        whole = b"".join(parts)
        filled = min(room, there)
        buffer[:filled] = whole[:filled]
        self._rest = whole[filled:]
        return filled


def _csv(copy: "psycopg.Copy", names: Sequence[str]) -> "pyarrow.csv.CSVStreamingReader | None":
    """A reader of all columns as text; None without a row."""
    first = copy.read()
    if not first:
        return None
    return pyarrow.csv.open_csv(
        _Stream(copy, bytes(first)),
        # Not from a thread of its own: the connection is this one's.
        read_options=pyarrow.csv.ReadOptions(use_threads=False, block_size=BLOCK, column_names=list(names)),
        # Of a single column, an empty line is a null.
        parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
        convert_options=pyarrow.csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()),
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )


def _empty(names: Sequence[str], written: Sequence[str]) -> pa.RecordBatch:
    columns = [_typed(pa.array([], pa.string()), kind) for kind in written]
    return pa.RecordBatch.from_arrays(columns, list(names))


def _typed(column: pa.Array, kind: str) -> pa.Array:
    if kind == "whole":
        return column.cast(pa.int64())
    if kind == "float":
        return column.cast(pa.float64())
    if kind == "boolean":
        return pc.equal(column, "t")
    if kind == "decimal":
        return _decimals(column)
    return column


def _decimals(column: pa.Array) -> pa.Array:
    """As decimals of as many digits as they have; as text if that are too many, or one is no number."""
    point = pc.find_substring(column, ".")
    digits = pc.if_else(pc.less(point, 0), 0, pc.subtract(pc.utf8_length(column), pc.add(point, 1)))
    scale = pc.max(digits).as_py() or 0
    if scale > _MOST_DIGITS:
        return column
    try:
        return column.cast(pa.decimal128(_MOST_DIGITS, scale))
    except pa.ArrowInvalid:
        return column
