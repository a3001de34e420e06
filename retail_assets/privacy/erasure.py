"""Erasing persons from what was loaded, in two steps with a build in between.

`mark` marks a person's rows in raw as deleted, and adds to rows that stay a version without personal columns.
The build that follows sees a change, as of any row that the source deleted, and moves what the person was in:
the old versions tell it what that was. `purge` then deletes them for good, and the person's rows of past
weeks. A run purges after each whole build. So a person whom a source has erased goes the same way within the
night.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import md5
from typing import Any

from retail_assets.catalog.contract import CHANGED_AT, DELETED_AT, ROW_HASH, SourceTable
from retail_assets.errors import UserError
from retail_assets.ingestion.raw_tables import column_types
from retail_assets.ingestion.refusals import TABLE as REFUSED_ROWS
from retail_assets.ingestion.versions import stored_key, timestamp
from retail_assets.privacy import forgotten
from retail_assets.privacy.forgotten import SCHEMA, Forgotten
from retail_assets.privacy.personal import EMAIL, compared, emptied, normalised, recognised_by
from retail_assets.resources.sql import literal, text
from retail_assets.resources.warehouse import Execute, transaction

# Versions that were replaced by one without personal columns, and consumer keys that nobody has any more:
# both are there only until the next purge.
_REPLACED = f"{SCHEMA}.replaced_versions"
_LEAVING = f"{SCHEMA}.leaving_consumers"
# An address that more records of one table have names nobody: a placeholder, or a till's.
MOST_RECORDS = 3
# A source that loses so many records at once may have had a bad night. They wait for some days.
MOST_AT_ONCE, SHARE_AT_ONCE, WAIT = 20, 0.01, timedelta(days=14)

# How many rows were erased from which table, and when.
ERASURES = f"{SCHEMA}.erasures"

_AT_ONCE = 500


@dataclass
class Person:
    """What is known of one person: values by kind, an address or a table's record, and rows by table."""

    named: dict[str, set[str]] = field(default_factory=dict)
    rows: Counter[str] = field(default_factory=Counter)

    @property
    def emails(self) -> Set[str]:
        return self.named.get(EMAIL, set())


def find(tables: Sequence[SourceTable], named: Mapping[str, Iterable[str]], execute: Execute) -> Person:
    """The person of some addresses or records: all records that have one of them, in any version.

    A record's other addresses are the person's too, unless they are shared by more than `MOST_RECORDS`.
    Raises `UserError` if an address that was asked for is.
    """
    tables = list(_there(tables, execute))
    kinds = {EMAIL, *(table.full_name for table in tables if table.person)}
    person = Person()
    seen: dict[str, set[str]] = {}

    def add(kind: str, value: Any) -> str | None:
        """Count a value among those that name the person. Returns what speaks against it."""
        said = normalised(kind, value)
        if said is None or said in seen.setdefault(kind, set()):
            return None
        seen[kind].add(said)
        shared = _shared(tables, said, execute) if kind == EMAIL else None
        if not shared:
            person.named.setdefault(kind, set()).add(said)
        return shared

    for kind, values in named.items():
        for value in values:
            if shared := add(kind, value):
                raise UserError(f"This address is nobody's: {shared}. Name the person by --consumer.")
    before = -1
    while sum(map(len, seen.values())) > before:
        before = sum(map(len, seen.values()))
        for table in tables:
            if table.person is not None and (where := _whose(table, person.named)):
                columns = {name: kind for name, kind in recognised_by(table).items() if kind in kinds}
                for row in execute(f"select distinct {', '.join(columns)} from {_raw(table)} where {where}"):
                    for kind, value in zip(columns.values(), row, strict=True):
                        add(kind, value)
    for table in tables:
        if where := _whose(table, person.named):
            still = "" if table.person is not None else f" and {_has_personal(table)}"
            key = ", ".join(table.primary_key)
            counted = f"select distinct {key} from {_raw(table)} where {where}{still}"
            ((rows,),) = execute(f"select count(*) from ({counted}) as found")
            if rows:
                person.rows[table.full_name] = int(rows)
    return person


def _shared(tables: Iterable[SourceTable], email: str, execute: Execute) -> str | None:
    """That an address is shared by many records of a table, in words."""
    for table in tables:
        for column in (each.name for each in table.columns if each.is_email and table.person):
            key = ", ".join(table.primary_key)
            having = (
                f"select distinct {key} from {_raw(table)} where {compared(EMAIL, column)} = {text(email)}"
            )
            ((records,),) = execute(f"select count(*) from ({having}) as found")
            if records > MOST_RECORDS:
                return f"{records:,} records of {table.full_name} have it"
    return None


def mark(
    tables: Sequence[SourceTable],
    person: Person,
    known: Forgotten,
    moment: datetime,
    execute: Execute,
) -> None:
    """Mark a person's rows in raw as deleted at a moment, the start of a window that is built next, and put
    the person on the list: all statements or none.

    Once more, it marks only what is not yet marked.
    """
    create(execute)
    at = timestamp(moment)
    with transaction(execute):
        forgotten.add(known, person.named, execute)
        for table in _there(tables, execute):
            where = _whose(table, person.named)
            if not where:
                continue
            # A refused row's key stands for the person's, as typed.
            execute(
                f"delete from {table.schema}.{REFUSED_ROWS} where table_name = {text(table.name)}"
                f" and row_key in (select {stored_key(table)} from {_raw(table)} where {where})"
            )
            if table.person is not None:
                execute(
                    f"update {_raw(table)} set {DELETED_AT} = {at} where {DELETED_AT} is null and {where}"
                )
            else:
                _replace_versions(table, f"{where} and {_has_personal(table)}", known, at, execute)
        for email in sorted(person.emails):
            key = md5(f"email:{email}".encode()).hexdigest()
            execute(f"insert into {_LEAVING} values ('{key}', {at})")


def _replace_versions(table: SourceTable, where: str, known: Forgotten, at: str, execute: Execute) -> None:
    """Add to each version one without personal columns, and mark it as deleted."""
    hashes = [row_hash for (row_hash,) in execute(f"select {ROW_HASH} from {_raw(table)} where {where}")]
    names = table.raw_schema.names
    for some in _parts(sorted(hashes)):
        new = " ".join(f"when {old} then {known.row_hash(old)}" for old in some)
        among = f"{ROW_HASH} in ({', '.join(map(str, some))})"
        values = {
            **{name: name for name in names},
            **{name: literal(value) for name, value in emptied(table).items()},
            CHANGED_AT: at,
            ROW_HASH: f"case {ROW_HASH} {new} end",
        }
        there = f"select {ROW_HASH} from {_raw(table)}"
        execute(f"""
            insert into {_raw(table)} ({", ".join(names)})
            select * from (
                select {", ".join(f"{values[name]} as {name}" for name in names)}
                from {_raw(table)} where {where} and {among}
            ) as redacted
            where {ROW_HASH} not in ({there})
        """)
        execute(f"""
            update {_raw(table)} set {DELETED_AT} = coalesce({DELETED_AT}, {at}) where {where} and {among}
        """)
        replaced = ", ".join(f"({text(_raw(table))}, {old}, {at})" for old in some)
        execute(f"insert into {_REPLACED} values {replaced}")


def purge(tables: Sequence[SourceTable], until: datetime, run_id: str, execute: Execute) -> Mapping[str, int]:
    """Delete for good what is marked as deleted before `until`, and has left all models since.

    All statements or none. Returns the rows by table.
    """
    there = list(_there(tables, execute))
    gone = [each for table in there if table.person is not None for each in _gone(table, until, execute)]
    seen = f"marked_at < {timestamp(until)}"
    if not gone and not _is_begun(seen, execute):
        return {}
    create(execute)
    erased: Counter[str] = Counter()

    def delete(name: str, where: str) -> None:
        ((rows,),) = execute(f"select count(*) from {name} where {where}")
        if rows:
            execute(f"delete from {name} where {where}")
            erased[name] += int(rows)

    with transaction(execute):
        for each in gone:
            for keys in each.consumer_keys(gone):
                execute(f"insert into {_LEAVING} {keys}")
        for table in there:
            old = f"select row_hash from {_REPLACED} where table_name = {text(_raw(table))} and {seen}"
            if table.person is None:
                delete(_raw(table), f"{DELETED_AT} is not null and {ROW_HASH} in ({old})")
                for each in gone:
                    _empty(table, each, execute)
        for each in gone:
            delete(_raw(each.table), each.where)
        # Another system may still have the person.
        if "wh_consumer_identities" in column_types("warehouse", execute):
            known = "select consumer_key from warehouse.wh_consumer_identities"
            execute(f"delete from {_LEAVING} where consumer_key in ({known})")
        for name in _not_replaced(execute):
            delete(name, f"consumer_key in (select consumer_key from {_LEAVING} where {seen})")
        execute(f"delete from {_REPLACED} where {seen}")
        execute(f"delete from {_LEAVING} where {seen}")
        for table in there if erased else ():
            _empty_staging(table, execute)
        now = timestamp(datetime.now(UTC).replace(microsecond=0))
        for name, rows in erased.items():
            execute(f"insert into {ERASURES} values ({now}, {literal(run_id)}, {text(name)}, {rows})")
    return erased


@dataclass(frozen=True)
class _Gone:
    """The rows of a table of persons whose every version is marked as deleted, before a moment.

    A row that is refused now is not gone: it is there, and cannot be read.
    """

    table: SourceTable
    until: str

    @property
    def where(self) -> str:
        key, raw = ", ".join(self.table.primary_key), _raw(self.table)
        person = f" and {self.table.unless} is null" if self.table.unless else ""
        stays = f"({DELETED_AT} is null or {DELETED_AT} >= {self.until}){person}"
        refused = (
            f"select row_key from {self.table.schema}.{REFUSED_ROWS}"
            f" where table_name = {text(self.table.name)} and {DELETED_AT} is null and row_key is not null"
        )
        return (
            f"{DELETED_AT} < {self.until}{person} and ({key}) not in (select {key} from {raw} where {stays})"
            f" and {stored_key(self.table)} not in ({refused})"
        )

    def consumer_keys(self, gone: Sequence["_Gone"]) -> Iterator[str]:
        """Queries for the consumer keys that these rows had, as macros/keys.sql makes them, and their marks.

        An address alone that is gone, of somebody who is there, is nobody's leaving.
        """
        where = self.where
        if self.table.person:
            yield self._keys(f"{text(self.table.person)} || cast({self._id} as varchar)", where)
        else:
            owners = {each.table.full_name: each for each in gone if each.table.person}
            of_owner = [
                f"{name} in ({owners[kind].ids})"
                for name, kind in recognised_by(self.table).items()
                if kind in owners
            ]
            where += f" and ({' or '.join(of_owner) or 'false'})"
        for column in self.table.columns:
            if column.is_email:
                yield self._keys(f"'email:' || lower(trim({column.name}))", where)

    def _keys(self, named: str, where: str) -> str:
        return f"select md5({named}), max({DELETED_AT}) from {_raw(self.table)} where {where} group by 1"

    @property
    def _id(self) -> str:
        (name,) = self.table.primary_key
        return name

    @property
    def ids(self) -> str:
        """The query for the rows' ids, where a single column is their key."""
        return f"select {self._id} from {_raw(self.table)} where {self.where}"


def _gone(table: SourceTable, until: datetime, execute: Execute) -> Iterator[_Gone]:
    """What is gone from a table, if anything is; only what has been for a while if it is very much."""
    gone, key = _Gone(table, timestamp(until)), ", ".join(table.primary_key)

    def records(where: str) -> int:
        counted = f"select distinct {key} from {_raw(table)} where {where}"
        ((rows,),) = execute(f"select count(*) from ({counted}) as records")
        return int(rows)

    if not execute(f"select 1 from {_raw(table)} where {DELETED_AT} < {timestamp(until)} limit 1"):
        return
    lost = records(gone.where)
    if lost > max(MOST_AT_ONCE, SHARE_AT_ONCE * records("true")):
        gone = _Gone(table, timestamp(until - WAIT))
        lost = records(gone.where)
    if lost:
        yield gone


def _empty_staging(table: SourceTable, execute: Execute) -> None:
    """What dlt loaded last. On DuckDB publishing drops it; on Snowflake it stays until the next load."""
    staging = f"{table.schema}_staging"
    if table.name in column_types(staging, execute):
        execute(f"delete from {staging}.{table.name}")


def _empty(table: SourceTable, gone: _Gone, execute: Execute) -> None:
    """Empty what a row says of a person whose own record is gone. Addresses stay, as guests' do."""
    emails = {column.name for column in table.columns if column.is_email}
    said = {name: value for name, value in emptied(table).items() if name not in emails}
    columns = [name for name, kind in recognised_by(table).items() if kind == gone.table.full_name]
    if not said:
        return
    changed = ", ".join(f"{name} = {literal(value)}" for name, value in said.items())
    for column in columns:
        execute(f"update {_raw(table)} set {changed} where {column} in ({gone.ids})")


def remaining(tables: Sequence[SourceTable], person: Person, execute: Execute) -> Mapping[str, int]:
    """What is still there of a person, by table: nothing after the purge."""
    found = {f"raw_{name}": rows for name, rows in find(tables, person.named, execute).rows.items()}
    if not person.emails:
        return found
    keys = ", ".join(f"md5('email:' || {text(email)})" for email in sorted(person.emails))
    emails = ", ".join(map(text, sorted(person.emails)))
    signs = {
        "consumer_key": f"consumer_key in ({keys})",
        "email": f"{compared(EMAIL, 'email')} in ({emails})",
    }
    for column, where in signs.items():
        for name in _tables_with({column}, execute):
            ((rows,),) = execute(f"select count(*) from {name} where {where}")
            # Raw has been looked at.
            if rows and not name.startswith("raw_"):
                found[name] = int(rows)
    return found


def erased_since(moment: datetime, execute: Execute) -> Mapping[str, int]:
    """How many rows were purged since a moment, by table."""
    since = timestamp(moment.replace(microsecond=0))
    rows = execute(
        f"select table_name, sum(row_count) from {ERASURES} where erased_at >= {since} group by 1 order by 1"
    )
    return {name: int(count) for name, count in rows}


def _whose(table: SourceTable, named: Mapping[str, Set[str]]) -> str:
    """The condition for the rows of a person; empty if the table has none by what is known."""
    parts = []
    for column, kind in recognised_by(table).items():
        if named.get(kind):
            values = ", ".join(map(text, sorted(named[kind])))
            parts.append(f"{compared(kind, column)} in ({values})")
    if not parts:
        return ""
    unless = f" and {table.unless} is null" if table.unless else ""
    return f"({' or '.join(parts)}){unless}"


def _has_personal(table: SourceTable) -> str:
    """Whether a row that stays still says something of a person."""
    parts = (f"{name} is distinct from {literal(value)}" for name, value in emptied(table).items())
    return f"({' or '.join(parts) or 'false'})"


def _there(tables: Iterable[SourceTable], execute: Execute) -> Iterator[SourceTable]:
    known: dict[str, Mapping[str, Any]] = {}
    for table in tables:
        if table.schema not in known:
            known[table.schema] = column_types(table.schema, execute)
        if table.name in known[table.schema]:
            yield table


def _not_replaced(execute: Execute) -> Sequence[str]:
    """Tables in which a build leaves who is gone: those of past weeks, and the lists of affected keys."""
    affected = (name for name in _tables_with({"consumer_key"}, execute) if name.startswith("affected."))
    return [*_tables_with({"consumer_key", "week_start"}, execute), *affected]


def _tables_with(columns: Set[str], execute: Execute) -> Sequence[str]:
    named = ", ".join(map(text, sorted(columns)))
    rows = execute(f"""
        select lower(columns.table_schema) || '.' || lower(columns.table_name) as name
        from information_schema.columns as columns
        inner join information_schema.tables as tables
            on columns.table_schema = tables.table_schema and columns.table_name = tables.table_name
        where tables.table_type = 'BASE TABLE' and lower(columns.column_name) in ({named})
            and lower(columns.table_schema) <> '{SCHEMA}'
        group by 1
        having count(*) = {len(columns)}
        order by 1
    """)
    return [name for (name,) in rows]


def _is_begun(seen: str, execute: Execute) -> bool:
    there = column_types(SCHEMA, execute)
    return "leaving_consumers" in there and bool(
        execute(
            f"select 1 from {_REPLACED} where {seen} union all select 1 from {_LEAVING} where {seen} limit 1"
        )
    )


def create(execute: Execute) -> None:
    """Create the tables of this package that are not there."""
    forgotten.create(execute)
    execute(
        f"create table if not exists {_REPLACED} (table_name varchar, row_hash bigint, marked_at timestamp)"
    )
    execute(f"create table if not exists {_LEAVING} (consumer_key varchar, marked_at timestamp)")
    execute(
        f"create table if not exists {ERASURES}"
        " (erased_at timestamp, run_id varchar, table_name varchar, row_count bigint)"
    )


def _raw(table: SourceTable) -> str:
    return f"{table.schema}.{table.name}"


def _parts(values: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(values), _AT_ONCE):
        yield values[start : start + _AT_ONCE]
