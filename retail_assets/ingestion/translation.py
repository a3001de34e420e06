"""What a mapping says of a source's values: keys of several columns, words, and what stands in for nothing.

It is done where rows arrive, in DuckDB, so that it is the same for every database and file.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from retail_assets.catalog.contract import SourceColumn, SourceTable
from retail_assets.ingestion.mapping import Hash, SystemMapping
from retail_assets.ingestion.values import Kind
from retail_assets.resources.sql import text

# Between the parts of a key, and in place of a part that is not there.
KEY_SEPARATOR, NO_PART = "|", "~"


def translated_sql(
    relation: str, table: SourceTable, mapping: SystemMapping, names: Collection[str] | None = None
) -> str:
    """The relation, of all the table's columns or these, with the contract's values.

    Keys of several columns arrive as the text of their parts.
    """
    said = mapping.of(table)
    replaced: dict[str, str] = {}
    for name, column in mapping.columns_of(table).items():
        if isinstance(column, Hash):
            # 63 bits, which fit into a key that is a number.
            replaced[name] = f'cast(md5_number_lower("{name}") >> 1 as bigint)'
    for name, words in said.values.items():
        cases = " ".join(
            f"when {text(word.strip().lower())} then {text(meant)}" for word, meant in words.items()
        )
        given = f'cast("{name}" as varchar)'
        replaced[name] = f"case lower(trim({given})) {cases} else {given} end"
    for name, default in said.defaults.items():
        given = f"cast({replaced.get(name, _quoted(name))} as varchar)"
        replaced[name] = f"coalesce(nullif({given}, ''), {text(default)})"
    if names is not None:
        replaced = {name: expression for name, expression in replaced.items() if name in names}
    if not replaced:
        return relation
    changes = ", ".join(f'{expression} as "{name}"' for name, expression in replaced.items())
    return f"(select * replace ({changes}) from {relation})"


def as_given(
    table: SourceTable, columns: Sequence[SourceColumn], mapping: SystemMapping
) -> Sequence[SourceColumn]:
    """The columns as they arrive, before they are translated: what will be is text."""
    words = translated_kinds(table, mapping)
    return [replace(column, data_type="varchar") if column.name in words else column for column in columns]


def translated_kinds(table: SourceTable, mapping: SystemMapping) -> Mapping[str, Kind]:
    """How the columns are written that `translated_sql` makes."""
    said = mapping.of(table)
    keys: dict[str, Kind] = {
        name: "whole" for name, column in mapping.columns_of(table).items() if isinstance(column, Hash)
    }
    return keys | dict.fromkeys([*said.values, *said.defaults], "text")


def _quoted(name: str) -> str:
    return f'"{name}"'
