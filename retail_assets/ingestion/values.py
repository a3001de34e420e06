"""A source's values as the contract's types, in DuckDB's SQL: null for what is no such value.

What arrives says how it is written: a database has numbers and times as such, or as text, and SQLite may
have both in one column. A fraction is no whole number, and `1,5` and `EUR 2` are no numbers: nothing is
guessed. A text that is empty says nothing, unless text is wanted. Some programs write whole numbers as 5.0
beside nulls: as text that is 5. Of numbers 0 is false, and 1 and -1 are true.
"""

from collections.abc import Callable, Mapping
from typing import Literal, TypeAlias

import pyarrow as pa

from retail_assets.catalog.contract import SourceColumn
from retail_assets.ingestion.key_values import is_number_key, is_text_key, key_number, key_text
from retail_assets.ingestion.times import Times

Kind: TypeAlias = Literal["text", "whole", "number", "time", "zoned time", "day", "other"]


def kinds_of(schema: pa.Schema) -> Mapping[str, Kind]:
    """How the values of Arrow columns are written."""
    return {field.name: _kind(field.type) for field in schema}


def _kind(arrow_type: pa.DataType) -> Kind:
    is_: list[tuple[Callable[[pa.DataType], bool], Kind]] = [
        (pa.types.is_integer, "whole"),
        (pa.types.is_floating, "number"),
        (pa.types.is_decimal, "number"),
        (pa.types.is_date, "day"),
        (pa.types.is_string, "text"),
        (pa.types.is_large_string, "text"),
        (pa.types.is_string_view, "text"),
        (pa.types.is_null, "text"),
    ]
    if pa.types.is_timestamp(arrow_type):
        return "zoned time" if arrow_type.tz else "time"
    return next((kind for test, kind in is_ if test(arrow_type)), "other")


def caster(kinds: Mapping[str, Kind], zone: str) -> Callable[[SourceColumn], str]:
    """What gives the expression of a column's value, of columns that are written so.

    Times without a zone are in `zone`, which must be the session's too.
    """
    times = Times(zone)

    def cast(column: SourceColumn) -> str:
        name = f'"{column.name}"'
        kind = kinds.get(column.name, "text")
        if is_text_key(column):
            return key_text(name)
        if is_number_key(column) and kind == "text":
            return key_number(name)
        if column.data_type == "timestamp":
            return _moment(name, kind, times)
        if column.data_type == "date":
            return _day(name, kind, times)
        if column.data_type == "bigint" and kind in ("number", "text"):
            return _whole(name, kind)
        if column.data_type == "boolean" and kind in ("whole", "number", "text"):
            return _truth(name, kind)
        if column.data_type == "varchar" and kind == "number":
            return _number_as_text(name)
        if column.data_type == "double":
            return f"case when isfinite(try_cast({name} as double)) then try_cast({name} as double) end"
        return f"try_cast({name} as {column.data_type})"

    return cast


def _moment(name: str, kind: Kind, times: Times) -> str:
    if kind in ("whole", "number"):
        return times.of_number(name)
    if kind in ("time", "day", "zoned time"):
        return times.of_time(name, has_zone=kind == "zoned time")
    return times.of_text(name if kind == "text" else f"cast({name} as varchar)")


def _day(name: str, kind: Kind, times: Times) -> str:
    if kind in ("whole", "number"):
        return times.day_of_number(name)
    if kind in ("time", "day", "zoned time"):
        return f"cast({name} as date)"
    return times.day_of_text(name if kind == "text" else f"cast({name} as varchar)")


def _truth(name: str, kind: Kind) -> str:
    # A cast alone would take 2 for true as a number, and not as text.
    number = name if kind != "text" else f"try_cast({name} as double)"
    words = f" when {number} is null then try_cast({name} as boolean)" if kind == "text" else ""
    return f"case when {number} = 0 then false when {number} in (1, -1) then true{words} end"


def _number_as_text(name: str) -> str:
    # Up to here a double has every whole number.
    whole = f"abs({name}) < 1e15 and {name} = try_cast({name} as bigint)"
    return (
        f"case when {whole} then cast(try_cast({name} as bigint) as varchar) else cast({name} as varchar) end"
    )


def _whole(name: str, kind: Kind) -> str:
    # A cast alone would round.
    number = name if kind == "number" else f"try_cast({name} as double)"
    return f"case when {number} = try_cast({name} as bigint) then try_cast({name} as bigint) end"
