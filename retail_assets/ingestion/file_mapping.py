"""Applying a mapping to files: a relation with the contract's columns, in DuckDB's SQL.

Each file or folder of a source is a table with its name; columns are named as in the header. Further columns:
`_row`, a row's position among those read; `_day`, the day in the file's name, or else the day on which it was
written; and `_path`, the file.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import duckdb

from retail_assets.catalog.contract import Names, SourceTable
from retail_assets.ingestion.file_formats import PATH, Layout, relation_sql
from retail_assets.ingestion.mapping import (
    Hash,
    MappingError,
    SystemMapping,
    TableMapping,
    ended,
    nearest,
    place_of,
)
from retail_assets.ingestion.translation import KEY_SEPARATOR, NO_PART, translated_sql
from retail_assets.resources.sql import text

ROW, DAY = "_row", "_day"

# Files by their paths on this machine, those of one layout together, each with the day that it is of.
Files = Sequence[tuple[Layout, Mapping[Path, date]]]


@dataclass(frozen=True)
class Mapped:
    """Files as the contract sees them."""

    relation: str  # its columns are the layout's, and `PATH`
    layout: Layout
    given_up: frozenset[str]


def reads_whole(mapping: SystemMapping, table: SourceTable) -> bool:
    """Whether a table is made of all its files together, whichever of them are new."""
    said = mapping.of(table)
    return bool(said.select) and not said.from_


def tables_in(connection: duckdb.DuckDBPyConnection, mapping: SystemMapping, table: SourceTable) -> set[str]:
    """The tables that a query of the mapping's reads. Raises `MappingError` if it is no query."""
    select = mapping.of(table).select or ""
    (answer,) = connection.execute("select json_serialize_sql(?)", [select.strip().rstrip(";")]).fetchall()[0]
    parsed = json.loads(answer)
    if parsed["error"]:
        said = parsed["error_message"]
        is_other = said.startswith("Only SELECT")
        raise cannot_map(
            mapping, table, "select", "it is no query of the form `select ...`" if is_other else said
        )
    if len(parsed["statements"]) != 1:
        raise cannot_map(mapping, table, "select", "it is more than one query")
    return set(_base_tables(parsed))


def mapped(
    connection: duckdb.DuckDBPyConnection,
    mapping: SystemMapping,
    table: SourceTable,
    name: str,
    files: Mapping[str, Files],
    path: Path | None,
) -> Mapped:
    """The rows of a table: of the files of that name, or what a query makes of several.

    They all are of `path`, if it is given; otherwise each says of which file it is.

    Raises `MappingError` if the mapping cannot be followed on files of these layouts.
    """
    said = mapping.of(table)
    if said.select:
        source, key = _selected(said, name, files), "select"
    else:
        mentioned = str(mapping.columns_of(table))
        source, key = _named_sql(files[name], mentioned, said.sometimes), "from"
    names = _columns(connection, source, lambda reason: cannot_map(mapping, table, key, reason))
    of = _quoted(PATH) if path is None else text(str(path))
    given_up, places = _places(mapping, table, Names(each for each in names if each not in (PATH, ROW, DAY)))
    mapping.refuse_lost_words(table, places)
    selected = ", ".join([*(f"{place} as {_quoted(each)}" for each, place in places.items()), of])
    relation = f"(select {selected} as {PATH} from {source})"
    translated = translated_sql(_with_absent(relation, mapping, table, places), table, mapping)

    def culprit(reason: str) -> MappingError:
        for each, place in places.items():
            error = partial(_cannot_compute, mapping, table, each, names)
            _columns(connection, f"(select {place} from {source})", error)
        return cannot_map(mapping, table, "columns", reason)

    types = _types(connection, translated, culprit)
    there = [column for column in table.columns if column.name in types]
    layout = Layout(
        "parquet",
        tuple(column.source_name for column in there),
        tuple(types[column.name] for column in there),
    )
    named = "".join(f"{_quoted(column.name)} as {_quoted(column.source_name)}, " for column in there)
    return Mapped(f"(select {named}{PATH} from {translated})", layout, given_up)


def cannot_map(mapping: SystemMapping, table: SourceTable, key: str, reason: str) -> MappingError:
    """What is wrong with a mapping, as a sentence that names the place."""
    return MappingError(f"{mapping.path}: tables.{table.name}.{key}: {ended(reason)}")


def _cannot_compute(
    mapping: SystemMapping, table: SourceTable, column: str, there: Sequence[str], reason: str
) -> MappingError:
    """What is wrong with a column of a mapping, of a source that has these columns."""
    missed = re.search(r'Referenced column "(.*?)" not found', reason)
    if missed:
        reason = (
            f"there is no column {missed[1]}{nearest(missed[1], [each for each in there if each != PATH])}"
        )
    return cannot_map(mapping, table, f"columns.{column}", reason)


def _base_tables(parsed: Any) -> Iterator[str]:
    if isinstance(parsed, dict):
        if parsed.get("type") == "BASE_TABLE":
            yield parsed["table_name"]
        for value in parsed.values():
            yield from _base_tables(value)
    elif isinstance(parsed, list):
        for value in parsed:
            yield from _base_tables(value)


def _selected(said: TableMapping, main: str, files: Mapping[str, Files]) -> str:
    """A query over files. What else than their columns can be asked for is in the table of its `from`."""
    select = (said.select or "").strip().rstrip(";")
    views = ", ".join(
        f"{_quoted(name)} as {_named_sql(each, select, said.sometimes)}"
        if name == main or not said.from_
        else f"{_quoted(name)} as {_named_sql(each, '', ())}"
        for name, each in files.items()
    )
    return f"(with {views} select * from ({select}\n))"


def _named_sql(files: Files, mentioned: str, sometimes: Sequence[str]) -> str:
    """Files by the names in their headers. `mentioned` is what may ask for rows and days."""
    parts = [_layout_sql(layout, days, mentioned, sometimes) for layout, days in files]
    return f"({' union all by name '.join(parts)})"


def _layout_sql(layout: Layout, days: Mapping[Path, date], mentioned: str, sometimes: Sequence[str]) -> str:
    columns = {
        name.strip().lower(): f"{_quoted(column)} as {_quoted(name.strip())}"
        for name, column in reversed(list(zip(layout.columns, layout.relation_columns, strict=True)))
        if name.strip()
    }
    absent = [name for name in sometimes if name.lower() not in columns]
    nothing = [f"cast(null as varchar) as {_quoted(name)}" for name in absent]
    selected = [*reversed(columns.values()), *nothing, PATH]
    relation = relation_sql(layout, list(days))
    if re.search(rf"\b{ROW}\b", mentioned):
        selected.append(f"row_number() over () as {ROW}")
    if re.search(rf"\b{DAY}\b", mentioned):
        known = ", ".join(f"({text(str(path))}, date '{day}')" for path, day in days.items())
        relation += f" inner join (values {known}) as days({PATH}, {DAY}) using ({PATH})"
        selected.append(DAY)
    return f"(select {', '.join(selected)} from {relation})"


def _places(
    mapping: SystemMapping, table: SourceTable, names: Names
) -> tuple[frozenset[str], Mapping[str, str]]:
    """What each of the contract's columns is, by what the mapping says or by its name."""
    said = mapping.columns_of(table)
    places, given_up = {}, set()
    for column in table.columns:
        wanted = said.get(column.name)
        name = names.find(column.source_name)
        if isinstance(wanted, Hash):
            places[column.name] = _key_of([_place(each, names) for each in wanted.hash])
        elif wanted is not None:
            places[column.name] = _place(wanted, names)
        elif name is not None:
            places[column.name] = _quoted(name)
        elif column.name in said:
            given_up.add(column.name)
    return frozenset(given_up), places


def _place(wanted: str | Sequence[str], names: Names) -> str:
    """A column by its name, or an expression over columns."""
    name, expression = place_of(wanted, names)
    return f"({expression})" if name is None else _quoted(name)


def _key_of(parts: Sequence[str]) -> str:
    """The text that a key of several columns is made of; null if all of them are."""
    texts = [f"nullif(trim(cast({part} as varchar)), '')" for part in parts]
    joined = f", {text(KEY_SEPARATOR)}, ".join(f"coalesce({each}, {text(NO_PART)})" for each in texts)
    return f"case when coalesce({', '.join(texts)}) is not null then concat({joined}) end"


def _with_absent(relation: str, mapping: SystemMapping, table: SourceTable, places: Mapping[str, str]) -> str:
    """With the columns that the source does not have, and the mapping has a constant for."""
    absent = [name for name in mapping.of(table).defaults if name not in places]
    added = "".join(f", cast(null as varchar) as {_quoted(name)}" for name in absent)
    return f"(select *{added} from {relation})" if added else relation


def _columns(
    connection: duckdb.DuckDBPyConnection, relation: str, mapping_error: Callable[[str], MappingError]
) -> Sequence[str]:
    return list(_types(connection, relation, mapping_error))


def _types(
    connection: duckdb.DuckDBPyConnection, relation: str, mapping_error: Callable[[str], MappingError]
) -> Mapping[str, str]:
    """The columns and types of a relation, without reading it."""
    try:
        found = connection.sql(f"select * from {relation} limit 0")
    except duckdb.Error as error:
        # `Binder Error: ...!`
        reason = str(error).splitlines()[0]
        raise mapping_error((reason.partition("Error: ")[2] or reason).rstrip("!")) from None
    return {field.name: str(field.type) for field in found.to_arrow_table().schema}


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
