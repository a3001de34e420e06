"""Reading a SQLite file through ADBC, which builds Arrow in C.

SQLite lets any value into any column. The driver settles a column's type by the rows of its first batch,
writes lossily what of them does not fit, and gives up at what does not fit later. So the first batch is our
own rows, and where it gives up the rest is read as text.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote

import pyarrow as pa

from retail_assets.catalog.contract import SourceColumn

BATCH_ROWS = 4096
BUSY_SECONDS = 30
UNDECODED = "_undecoded"  # the column that names the one whose text could not be decoded

# A value of each type as SQLite stores it. Times and dates are text, or numbers that are read as text.
_SAMPLES = {"bigint": "0", "boolean": "0", "double": "0.0", "decimal": "0.0"}


def path_of(url: str) -> Path:
    """The file that a SQLAlchemy URL names, as it is written or with %23 for #; whichever is a file."""
    written = url.partition("://")[2].removeprefix("/")
    for path in (written, unquote(written), written.partition("?")[0], unquote(written.partition("?")[0])):
        if path and Path(path).is_file():
            return Path(path).absolute()
    return Path(written.partition("?")[0])


def read_only(path: Path) -> str:
    """The URI that opens a file to be read, and never creates one."""
    return f"file:{quote(str(path.absolute()))}?mode=ro"


def readers(
    path: Path, query: str, columns: Sequence[SourceColumn]
) -> Iterator[pa.RecordBatchReader | pa.RecordBatch]:
    """The rows of a query for these columns, of whatever types they can be had.

    Rows with text that is not UTF-8 come last, with the column `UNDECODED`.
    """
    names = [column.name for column in columns]
    samples = [_SAMPLES.get(column.data_type.partition("(")[0], "''") for column in columns]
    undecoded: list[pa.RecordBatch] = []
    with _connection(path) as read:
        progress = _Progress()
        yield _reader(read(query, samples), names, undecoded, progress)
        if progress.has_given_up:
            as_text = read(query, ["''"] * len(columns), skip=progress.rows)
            yield _reader(as_text, names, undecoded, _Progress())
    yield from undecoded


@dataclass
class _Progress:
    rows: int = 0
    has_given_up: bool = False


@contextmanager
def _connection(path: Path) -> Iterator[Callable[..., Iterator[pa.RecordBatch]]]:
    """What reads a query, all within one transaction: a second reading sees what the first did."""
    import adbc_driver_sqlite.dbapi as adbc

    with adbc.connect(read_only(path)) as connection:

        def read(query: str, samples: Sequence[str], skip: int = 0) -> Iterator[pa.RecordBatch]:
            with connection.cursor() as cursor:
                cursor.execute(f"pragma busy_timeout = {BUSY_SECONDS * 1000}")
                cursor.fetchall()
                cursor.adbc_statement.set_options(**{"adbc.sqlite.query.batch_rows": str(BATCH_ROWS)})
                cursor.execute(f"""
                    with recursive own(n) as (
                        select 1 union all select n + 1 from own where n < {BATCH_ROWS}
                    )
                    select {", ".join(samples)} from own
                    union all
                    select * from (select * from ({query}) limit -1 offset {skip})
                """)
                batches = iter(cursor.fetch_record_batch())
                yield next(batches).slice(0, 0)
                yield from batches

        yield read


def _reader(
    batches: Iterator[pa.RecordBatch],
    names: Sequence[str],
    undecoded: list[pa.RecordBatch],
    progress: _Progress,
) -> pa.RecordBatchReader:
    first = next(batches).rename_columns(names)

    def sound() -> Iterator[pa.RecordBatch]:
        try:
            for batch in batches:
                progress.rows += batch.num_rows
                yield _decoded(batch.rename_columns(names), undecoded)
        except OSError as error:
            if "mismatch" not in str(error):
                raise
            progress.has_given_up = True

    return pa.RecordBatchReader.from_batches(first.schema, sound())


def _decoded(batch: pa.RecordBatch, undecoded: list[pa.RecordBatch]) -> pa.RecordBatch:
    """The batch without the rows that hold text which is not UTF-8; these are set aside."""
    try:
        batch.validate(full=True)
        return batch
    except pa.ArrowInvalid:
        culprits = pa.array(_culprits(batch), pa.string())
    bad = batch.filter(culprits.is_valid())
    columns = [_replaced(column) if pa.types.is_string(column.type) else column for column in bad.columns]
    names = [*batch.schema.names, UNDECODED]
    undecoded.append(pa.RecordBatch.from_arrays([*columns, culprits.drop_null()], names))
    return batch.filter(culprits.is_null())


def _culprits(batch: pa.RecordBatch) -> Sequence[str | None]:
    """For each row the first column whose text cannot be decoded."""
    found: list[str | None] = [None] * batch.num_rows
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        if pa.types.is_string(column.type):
            for place, value in enumerate(column.cast(pa.binary()).to_pylist()):
                if value is not None and found[place] is None and not _is_text(value):
                    found[place] = name
    return found


def _is_text(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True


def _replaced(column: pa.Array) -> pa.Array:
    values = column.cast(pa.binary()).to_pylist()
    return pa.array([value and value.decode(errors="replace") for value in values], pa.string())
