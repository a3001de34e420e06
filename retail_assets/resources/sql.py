"""Values as SQL, in one text for DuckDB and Snowflake."""

from typing import Any


def text(value: str) -> str:
    """A text in SQL. A backslash is one to DuckDB and begins an escape to Snowflake, so none is written."""
    quoted = "'" + value.replace("'", "''") + "'"
    if "\\" not in quoted:
        return quoted
    return "(" + quoted.replace("\\", "' || chr(92) || '") + ")"


def number(value: float) -> str:
    """A number to its last digit; a bare 0.1 is a decimal in DuckDB, and would be computed with as one."""
    return f"cast('{float(value)!r}' as double)"


def decimal(value: str, digits: int) -> str:
    """A double as a decimal of six digits after the point, rounded half up."""
    # Rounded before it is cast, because engines differ in what a cast does with a half.
    million = number(1_000_000)
    return f"cast(floor({value} * {million} + {number(0.5)}) / {million} as decimal({digits}, 6))"


def monday(week: str) -> str:
    """A week as SQL: the date of its Monday."""
    return f"cast('{week}' as date)"


def literal(value: Any) -> str:
    """Any value; None and NaN are null."""
    if value is None or value != value:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    return text(str(value))
