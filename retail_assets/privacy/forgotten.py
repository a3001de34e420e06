"""Who was forgotten, so that no reading brings them back: neither a backfill, nor a late file.

The list is in the warehouse (`privacy.forgotten`) and holds no personal data: of each address and record
only a keyed digest (HMAC). The key, a pepper, is not in the warehouse. Without it, nobody can find out by a
list of addresses who was forgotten.
"""

import hashlib
import hmac
import secrets
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from retail_assets.catalog.contract import ROW_HASH, SourceTable
from retail_assets.errors import UserError
from retail_assets.ingestion.raw_tables import column_types
from retail_assets.privacy.personal import emptied, is_personal, normalised, recognised_by
from retail_assets.resources.sql import literal
from retail_assets.resources.warehouse import Execute
from retail_assets.settings import Settings

if TYPE_CHECKING:
    import pyarrow as pa

SCHEMA = "privacy"
TABLE = f"{SCHEMA}.forgotten"

# Says by its digest which pepper the list was made with.
_PEPPER = "pepper"


@dataclass(frozen=True)
class Forgotten:
    """The list as a reading needs it: digests by what they are of, an address or a table's record."""

    digests: Mapping[str, frozenset[str]] = field(default_factory=dict)
    pepper: bytes = b""

    def records_of(self, table: SourceTable) -> int:
        """How many records of a table are on the list."""
        return len(self.digests.get(table.full_name, ()))

    def sifted(
        self, table: SourceTable, batches: "Iterable[pa.Table]", kept_out: Counter[str]
    ) -> "Iterator[pa.Table]":
        """The batches without what is to be forgotten: persons' rows go, other rows lose personal columns.

        Rows that go are counted in `kept_out`, by table.
        """
        columns = {name: kind for name, kind in recognised_by(table).items() if kind in self.digests}
        if not columns or not is_personal(table):
            yield from batches
            return
        for batch in batches:
            left = self._sifted(table, columns, batch)
            kept_out[table.name] += batch.num_rows - left.num_rows
            yield left

    def _sifted(self, table: SourceTable, columns: Mapping[str, str], batch: "pa.Table") -> "pa.Table":
        import pyarrow as pa
        import pyarrow.compute as pc

        found = pa.repeat(pa.scalar(False), batch.num_rows)
        for name, kind in columns.items():
            values = batch.column(name)
            known = [each for each in pc.unique(values).to_pylist() if self._has(kind, each)]
            if known:
                among = pc.is_in(values, value_set=pa.array(known, values.type))
                found = pc.or_(found, among.combine_chunks())
        if table.unless:
            found = pc.and_(found, batch.column(table.unless).is_null().combine_chunks())
        if not pc.any(found).as_py():
            return batch
        if table.person is not None:
            return batch.filter(pc.invert(found))
        for name, instead in emptied(table).items():
            values = batch.column(name).combine_chunks()
            place = batch.schema.get_field_index(name)
            kept = pc.if_else(found, pa.scalar(instead, values.type), values)
            batch = batch.set_column(place, batch.schema.field(name), kept)
        hashes = [
            self.row_hash(old) if is_found else old
            for old, is_found in zip(batch.column(ROW_HASH).to_pylist(), found.to_pylist(), strict=True)
        ]
        place = batch.schema.get_field_index(ROW_HASH)
        return batch.set_column(place, batch.schema.field(ROW_HASH), pa.array(hashes, pa.int64()))

    def has_any(self, named: Mapping[str, Iterable[str]]) -> bool:
        """Whether any of these addresses and records is on the list."""
        return any(
            self._has(kind, value)
            for kind, values in named.items()
            for value in values
            if kind in self.digests
        )

    def _has(self, kind: str, value: Any) -> bool:
        said = normalised(kind, value)
        return said is not None and self.digest(kind, said) in self.digests[kind]

    def digest(self, kind: str, value: str) -> str:
        """What stands for a value, as it is compared, on the list."""
        return hmac.new(self.pepper, f"{kind}\0{value}".encode(), hashlib.sha256).hexdigest()

    def row_hash(self, row_hash: int) -> int:
        """The hash of a version that lost its personal columns.

        The former one is a hash of them. This one is the same each time that the row is read.
        """
        digest = hmac.new(self.pepper, str(row_hash).encode(), hashlib.sha256).digest()
        return int.from_bytes(digest[:8]) >> 1


def read(settings: Settings, execute: Execute) -> Forgotten:
    """The list; empty before the first person is forgotten.

    Raises `UserError` if the pepper is not that of the list: everybody on it would come back.
    """
    if "forgotten" not in column_types(SCHEMA, execute):
        return Forgotten()
    digests: dict[str, set[str]] = {}
    for kind, digest in execute(f"select kind, digest from {TABLE}"):
        digests.setdefault(kind, set()).add(digest)
    expected = digests.pop(_PEPPER, set())
    known = Forgotten({kind: frozenset(each) for kind, each in digests.items()}, _pepper(settings))
    if expected and known.digest(_PEPPER, "") not in expected:
        raise UserError(
            "Persons were forgotten with another pepper than this home's, and would come back. Restore the"
            f" file {settings.home / 'pepper'} or RETAIL_PEPPER."
        )
    return known


def create(execute: Execute) -> None:
    """Create the list where there is none."""
    execute(f"create schema if not exists {SCHEMA}")
    execute(f"create table if not exists {TABLE} (kind varchar, digest varchar, forgotten_at timestamp)")


def begin(settings: Settings, execute: Execute) -> Forgotten:
    """The list to add to: it and its pepper are made where there are none."""
    create(execute)
    if not execute(f"select 1 from {TABLE} limit 1"):
        _make_pepper(settings)
        digest = Forgotten(pepper=_pepper(settings)).digest(_PEPPER, "")
        execute(f"insert into {TABLE} values ('{_PEPPER}', '{digest}', {_now()})")
    return read(settings, execute)


def add(known: Forgotten, named: Mapping[str, Iterable[str]], execute: Execute) -> None:
    """Put addresses and records, by kind and as they are compared, on the list."""
    for kind, values in named.items():
        new = {known.digest(kind, value) for value in values} - known.digests.get(kind, frozenset())
        for digest in sorted(new):
            execute(f"insert into {TABLE} values ({literal(kind)}, '{digest}', {_now()})")


def _now() -> str:
    return f"timestamp '{datetime.now(UTC):%Y-%m-%d %H:%M:%S}'"


def _pepper(settings: Settings) -> bytes:
    if given := settings.pepper.get_secret_value():
        return given.encode()
    path = settings.home / "pepper"
    return path.read_bytes() if path.exists() else b""


def _make_pepper(settings: Settings) -> None:
    if settings.pepper.get_secret_value():
        return
    if settings.warehouse != "duckdb":
        raise UserError(
            "RETAIL_PEPPER is empty. Every machine that writes the warehouse needs the same: a long random"
            " text, kept with the other secrets."
        )
    path = settings.home / "pepper"
    if not path.exists():
        unfinished = path.with_suffix(".new")
        unfinished.touch(mode=0o600)
        unfinished.write_text(secrets.token_hex(32))
        unfinished.replace(path)
