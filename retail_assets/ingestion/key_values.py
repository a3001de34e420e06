"""Keys as a source writes them, in DuckDB's SQL: whole numbers, or text (`#1001`, `A-17`, `0017`, UUIDs)."""

from retail_assets.catalog.contract import KEY_TYPES, SourceColumn
from retail_assets.resources.sql import text

# What programs write for "no value" into columns of keys, numbers and times. In one of text it is a text.
NO_VALUES = ("", "null", "none", "nil", "nan", "nat", "na", "n/a", "#n/a", "\\n")


def is_text_key(column: SourceColumn) -> bool:
    """Whether a column holds keys, of a system whose keys are text."""
    return column.is_key and column.data_type == KEY_TYPES["text"]


def is_number_key(column: SourceColumn) -> bool:
    """Whether a column holds keys, of a system whose keys are numbers."""
    return column.is_key and column.data_type == KEY_TYPES["number"]


def key_text(value: str) -> str:
    """A key as text. Some programs write whole numbers as 17.0 beside nulls, and NULL for these."""
    return (
        f"case when not {is_no_value(value)}"
        f" then regexp_replace(trim(cast({value} as varchar)), '^(-?[0-9]+)[.]0$', '\\1') end"
    )


def is_no_value(value: str) -> str:
    """The condition that what is written stands for no value: it is empty, or a word such as NULL."""
    return f"lower(trim(cast({value} as varchar))) in ({', '.join(map(text, NO_VALUES))})"


def key_number(value: str) -> str:
    """A key, written as text, as a number; null if it is none."""
    return f"case when {is_number(value)} then try_cast(trim({value}) as bigint) end"


def is_number(value: str) -> str:
    """The condition that a value can be a key of 64 bits without losing anything.

    `17` can, and `17.0`; `0017`, `1.5` and `A-17` cannot.
    """
    text = f"trim(cast({value} as varchar))"
    return (
        f"(regexp_full_match({text}, '-?(0|[1-9][0-9]*)([.]0)?|[1-9]([.][0-9]+)?e[+]?[0-9]+')"
        f" and coalesce(try_cast({text} as bigint) = try_cast({text} as double), false))"
    )


def how_to_switch(system: str) -> str:
    """What to do when a key is text in a system whose keys are numbers."""
    return (
        f"the keys of {system} are numbers so far: to take such keys write `keys: text` in its mapping"
        f" (RETAIL_{system.upper()}_MAPPING) and run `retail-assets backfill --full-refresh` once"
    )
