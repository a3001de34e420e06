"""Values as files hold them: text, or whatever types a Parquet file has.

Most files write numbers and times as DuckDB reads them, and are read so. Of a file that has other values it
is found out how it writes them (`Form`). What is still none of the contract's type is null, which makes the
row a refused one.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any, Literal

import duckdb

from retail_assets.catalog.contract import SourceColumn, SourceTable
from retail_assets.ingestion.file_formats import PATH, ROW, Layout, UnreadableFileError
from retail_assets.ingestion.key_values import NO_VALUES, is_number_key, is_text_key, key_number, key_text
from retail_assets.ingestion.times import within_days, within_years
from retail_assets.resources.sql import text

# What of Parquet's types needs no way through text.
_NATIVE = {
    "bigint": ("int", "uint"),
    "decimal": ("int", "uint", "decimal"),
    "double": ("int", "uint", "decimal"),
    "boolean": ("bool",),
    "timestamp": ("timestamp", "date"),
    "date": ("timestamp", "date"),
}

_SLASHED = r"^(\d{1,2})[/-](\d{1,2})[/-]\d{4}\b"
_DOTTED = r"^\d{1,2}\.\d{1,2}\.\d{4}\b"
_CLOCKS = ("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %I:%M %p", " %I:%M:%S %p")
# A zone stands behind a time; behind a date it would be a part of it.
_ZONE = r"(?i)(:\d{2}(?:\.\d+)?(?:\s*[ap]m)?)\s*(Z|UTC|GMT|[+-]\d{2}(?::?\d{2})?|[a-z]+/[a-z_/]+)$"
# Of the years 1990 to 2100, seconds, thousandths, millionths and billionths since 1970 do not overlap.
_EPOCHS = (10**6, 10**3, 1, 10**-3)
_EARLIEST, _LATEST = 631_152_000 * 10**6, 4_102_444_800 * 10**6

# Numbers with a decimal comma, and with commas between thousands; and what shows that a column has such.
_COMMA = r"[+-]?(\d+|\d{1,3}(\.\d{3})+)(,\d+)?"
_IS_COMMA = r"[+-]?(\d+,(\d{1,2}|\d{4,})|\d{1,3}(\.\d{3})+,\d+|\d{1,3}(\.\d{3}){2,})"
_GROUPED = r"[+-]?(\d+|\d{1,3}(,\d{3})+)(\.\d+)?"
_IS_GROUPED = r"[+-]?\d{1,3}((,\d{3})+\.\d+|(,\d{3}){2,})"
_IS_POINT = r"[+-]?(\d*\.(\d{1,2}|\d{4,})|(0*|\d{4,})\.\d{3})"
# What is a fraction to DuckDB, and a number of thousands where the file has decimal commas.
_THOUSANDS = r"[+-]?\d{1,3}\.\d{3}"


@dataclass(frozen=True)
class Form:
    """How a file writes values that DuckDB does not read by itself."""

    order: Literal["day", "month"] = "day"  # what comes first in 1/2/2024
    commas: frozenset[str] = frozenset()  # columns with a decimal comma
    grouped: frozenset[str] = frozenset()  # columns with commas between thousands


@dataclass(frozen=True)
class Doubt:
    """A column with values like 1.234, of which the file does not tell whether they are thousands."""

    column: str
    value: str
    has_both: bool  # the file has decimal commas and decimal points; else it has neither

    @property
    def told(self) -> str:
        """What is not sure, and how it was read."""
        says = "the file has decimal points and commas" if self.has_both else "nothing in the file says"
        whole = self.value.replace(".", "")
        return (
            f"{self.column} holds '{self.value}', and {says}"
            f"{', so that it is not sure' if self.has_both else ''} whether that is {self.value} or {whole}:"
            f" it was read as {self.value}. If it is {whole}, write it without the point"
        )


def given_sql(table: SourceTable, layout: Layout) -> str:
    """A file's columns under their names in raw: text, or a type of Parquet's that needs no reading.

    An empty text is null, but as a part of a key it is a value.
    """
    return ", ".join(f"{_given(table, column, layout)} as {_name(column)}" for column in table.columns)


def is_row_sql(table: SourceTable, layout: Layout) -> str:
    """Whether a row of a file has a value at all: those of spreadsheets may end in rows without."""
    if layout.types:
        return "true"
    values = (_column(column, layout) for column in table.columns)
    return f"coalesce({', '.join(value for value in values if value)}) is not null"


def cast(column: SourceColumn, layout: Layout, form: Form | None = None) -> str:
    """A column of `given` cast to the contract's type, or null. Without a form, as DuckDB reads it.

    A time without a zone is in the session's. A fraction does not cast to a whole number; digits beyond the
    contract's are rounded.
    """
    name = _name(column)
    if is_text_key(column):
        return key_text(name)
    if column.data_type == "varchar" or _is_native(column, layout):
        return _from_typed(column, name)
    return key_number(name) if is_number_key(column) else _from_text(column, name, form)


def with_no_values(table: SourceTable, layout: Layout) -> str:
    """The columns of `given`, with nulls for the words that stand for no value."""
    words = ", ".join(map(text, NO_VALUES))

    def valued(column: SourceColumn) -> str:
        name = _name(column)
        if column.data_type == "varchar" or _is_native(column, layout):
            return name
        return f"case when lower(trim({name})) not in ({words}) then {name} end as {name}"

    return ", ".join(map(valued, table.columns))


def may_have_thousands(
    connection: duckdb.DuckDBPyConnection, table: SourceTable, layout: Layout
) -> Collection[str]:
    """The files in `given` with a column of which each point has three digits behind it, as in 1.234."""
    names = [_name(column) for column in _numbers(table, layout) if _family(column) != "bigint"]
    # This is asked of every file, so it has to be cheap.
    found = " or ".join(
        f"(bool_or({_is_fourth(name)})"
        f" and not bool_or(contains({name}, '.') and (not {_is_fourth(name)} or {name}[1] = '0')))"
        for name in names
    )
    if not found:
        return ()
    rows = connection.execute(f"select {PATH} from given group by {PATH} having {found}").fetchall()
    return {path for (path,) in rows}


def _is_fourth(name: str) -> str:
    return f"(substr(rtrim({name}), -4, 1) = '.')"


def form_of(
    connection: duckdb.DuckDBPyConnection,
    table: SourceTable,
    layout: Layout,
    path: str,
    others: Callable[[], tuple[bool, bool]],
) -> tuple[Form, Sequence[Doubt]]:
    """How one of the files in `given` writes its values; the table `wrong` has the rows that need to know.

    `others` says whether the file's columns that the contract does not have show decimal commas, and whether
    decimal points: what a column does not show, the file may. What it does not show either is a doubt.
    Raises `UnreadableFileError` if that cannot be told: then no value of the kind would be sure.
    """
    read = [column for column in table.columns if column.data_type in ("timestamp", "date")]
    times = [column for column in read if not _is_native(column, layout)]
    # Whatever DuckDB reads by itself shows none of it.
    wrong = f"given inner join wrong on given.rowid = wrong.{ROW} where wrong.{PATH} = ?"
    orders = _counted(
        connection, {column.name: _order_counts(_name(column)) for column in times}, wrong, path
    )
    commas, grouped, doubts = _points(connection, _numbers(table, layout), wrong, path, others)
    return Form(
        order=_order([(column, *orders[column.name]) for column in times]), commas=commas, grouped=grouped
    ), doubts


def _points(
    connection: duckdb.DuckDBPyConnection,
    numbers: Sequence[SourceColumn],
    wrong: str,
    path: str,
    others: Callable[[], tuple[bool, bool]],
) -> tuple[frozenset[str], frozenset[str], Sequence[Doubt]]:
    """The columns with decimal commas, those with commas between thousands, and what is not sure."""
    shown = _counted(
        connection, {column.name: _comma_counts(_name(column)) for column in numbers}, wrong, path
    )
    seen = _counted(
        connection,
        {column.name: _point_counts(_name(column)) for column in numbers},
        f"given where {PATH} = ?",
        path,
    )
    decimal = {name for name, (commas, _) in shown.items() if commas}
    thousands = {name for name, (_, groups) in shown.items() if groups}
    pointed = {name for name, (points, *_) in seen.items() if points}
    silent = {column.name for column in numbers} - decimal - thousands - pointed
    unsure = {
        column.name: seen[column.name][2]
        for column in numbers
        if _family(column) != "bigint" and seen[column.name][1]
    }
    has_commas, has_points = bool(decimal), bool(thousands | pointed)
    if silent & unsure.keys():
        commas, points = others()
        has_commas, has_points = has_commas or commas, has_points or points
    # A column that has both would be something else than it seems.
    by_commas = decimal - thousands - pointed
    if has_commas and not has_points:
        by_commas |= silent
    is_doubtful = silent if has_commas == has_points else set()
    doubts = [
        Doubt(name, value, has_commas)
        for name, value in unsure.items()
        if name in is_doubtful or name in decimal - by_commas
    ]
    return frozenset(by_commas), frozenset(thousands - decimal), doubts


def shown_by(
    connection: duckdb.DuckDBPyConnection, relation: str, columns: Sequence[str]
) -> tuple[bool, bool]:
    """Whether some columns of text show decimal commas, and whether decimal points.

    Only a column that has nothing but numbers shows any.
    """
    if not columns:
        return False, False
    counts = ", ".join(
        f"count(*) filter (trim({name}) <> ''), {_matches(name, _COMMA)}, {_matches(name, _IS_COMMA)},"
        f" {_matches(name, _GROUPED)}, {_matches(name, _IS_POINT)} + {_matches(name, _IS_GROUPED)}"
        for name in columns
    )
    found = iter(connection.execute(f"select {counts} from {relation}").fetchall()[0])
    commas = points = False
    for _ in columns:
        rows, with_comma, is_comma, with_point, is_point = islice(found, 5)
        commas |= bool(is_comma) and rows == with_comma
        points |= bool(is_point) and rows == with_point
    return commas, points


def _numbers(table: SourceTable, layout: Layout) -> Sequence[SourceColumn]:
    """The columns of numbers that are read from text; a key is written as it is."""
    return [
        column
        for column in table.columns
        if _family(column) in ("decimal", "double", "bigint")
        and not is_number_key(column)
        and not _is_native(column, layout)
    ]


def read_otherwise(form: Form) -> str:
    """The condition on `given` that DuckDB reads a row by itself, but not as the form has it."""
    thousands = (f"regexp_full_match(trim(\"{name}\"), '{_THOUSANDS}')" for name in sorted(form.commas))
    return " or ".join(thousands) or "false"


def _counted(
    connection: duckdb.DuckDBPyConnection, counts: Mapping[str, Sequence[str]], relation: str, path: str
) -> Mapping[str, tuple[Any, ...]]:
    """Some aggregates for each column, in one query."""
    if not counts:
        return {}
    flat = ", ".join(chain.from_iterable(counts.values()))
    found = iter(connection.execute(f"select {flat} from {relation}", [path]).fetchall()[0])
    return {name: tuple(islice(found, len(each))) for name, each in counts.items()}


def _order_counts(name: str) -> Sequence[str]:
    """How many dates must have the day first, how many the month, how many would differ; and one of those."""
    first, second = (
        f"try_cast(regexp_extract(trim({name}), '{_SLASHED}', {place}) as int)" for place in (1, 2)
    )
    differ = f"filter ({first} <> {second})"
    return (
        f"count(*) filter ({first} > 12)",
        f"count(*) filter ({second} > 12)",
        f"count(*) {differ}",
        f"min({name}) {differ}",
    )


def _order(counts: Sequence[tuple[Any, ...]]) -> Literal["day", "month"]:
    days, months, either = (sum(column[place] for column in counts) for place in (1, 2, 3))
    if not either or (days and not months):
        return "day"
    if months and not days:
        return "month"
    column, value = next((each[0], each[4]) for each in counts if each[3])
    shown = "a date" if column.pii else f"'{value}'"
    says = "the file has both" if days else "nothing in the file says"
    raise UnreadableFileError(
        f"{column.name} holds {shown}, and {says} whether the day or the month comes first. Write dates like"
        " 2024-01-31"
    )


def _comma_counts(name: str) -> Sequence[str]:
    return (_matches(name, _IS_COMMA), _matches(name, _IS_GROUPED))


def _point_counts(name: str) -> Sequence[str]:
    is_either = f"regexp_full_match(trim({name}), '{_THOUSANDS}')"
    is_sure = f"regexp_full_match(trim({name}), '{_IS_POINT}')"
    either = f"filter ({is_either} and not {is_sure})"
    return (_matches(name, _IS_POINT), f"count(*) {either}", f"min(trim({name})) {either}")


def _matches(name: str, pattern: str) -> str:
    return f"count(*) filter (regexp_full_match(trim({name}), '{pattern}'))"


def _given(table: SourceTable, column: SourceColumn, layout: Layout) -> str:
    value = _column(column, layout)
    if not value:
        default = "null" if column.default is None else text(column.default)
        return f"cast({default} as {column.data_type})"
    if _type(column, layout) in ("float", "double", "halffloat"):
        # How pandas writes a null into a column of numbers.
        value = f"case when not isnan({value}) then {value} end"
    if column.data_type == "varchar":
        is_part = column.name in table.primary_key and len(table.primary_key) > 1 and not column.is_key
        return f"coalesce(cast({value} as varchar), '')" if is_part else f"cast({value} as varchar)"
    if not layout.types or _is_native(column, layout):
        return value
    return f"cast({value} as varchar)"


def _column(column: SourceColumn, layout: Layout) -> str | None:
    """What the relation calls a column; nothing if the file does not have it."""
    places = layout.places(column.source_name)
    return f'"{layout.relation_columns[places[0]].replace(chr(34), chr(34) * 2)}"' if places else None


def _name(column: SourceColumn) -> str:
    return f'"{column.name}"'


def _type(column: SourceColumn, layout: Layout) -> str:
    places = layout.places(column.source_name)
    return layout.types[places[0]] if places and layout.types else ""


def _family(column: SourceColumn) -> str:
    return column.data_type.partition("(")[0]


def _is_native(column: SourceColumn, layout: Layout) -> bool:
    if not layout.places(column.source_name):
        return True
    return _type(column, layout).startswith(_NATIVE.get(_family(column), ())) if layout.types else False


def _from_typed(column: SourceColumn, name: str) -> str:
    if column.data_type not in ("timestamp", "date"):
        return f"try_cast({name} as {column.data_type})"
    # Which of them may be beyond the years that are ours is cheap to see; all else is not for every row.
    is_within = f"try_cast({name} as timestamp) between timestamp '0001-01-03' and timestamp '9999-12-29'"
    if column.data_type == "date":
        value = f"try_cast({name} as date)"
        return f"case when {is_within} then {value} else {within_days(value)} end"
    value = f"timezone('UTC', try_cast({name} as timestamptz))"
    return f"case when {is_within} then {value} else {within_years(value)} end"


def _from_text(column: SourceColumn, name: str, form: Form | None) -> str:
    family = _family(column)
    if form is not None:
        name = f"trim({name})"
        if column.name in form.commas:
            name = f"case when regexp_full_match({name}, '{_COMMA}') then {_point(name, '.')} end"
        elif column.name in form.grouped:
            name = f"case when regexp_full_match({name}, '{_GROUPED}') then replace({name}, ',', '') end"
    if family == "bigint":
        whole = f"try_cast({name} as bigint)"
        # A cast alone would round.
        return f"case when {whole} = try_cast({name} as decimal(38, 10)) then {whole} end"
    if family == "double":
        return f"case when isfinite(try_cast({name} as double)) then try_cast({name} as double) end"
    if family not in ("timestamp", "date"):
        return f"try_cast({name} as {column.data_type})"
    # DuckDB takes more than is sure: zones such as EST, words such as `infinity`, 24 for the year 24.
    last = f"right({name}, 1)"
    is_sure = (
        f"substr({name}, 5, 1) in ('-', '/')"
        f" and ({last} between '0' and '9' or {last} = 'Z' or right({name}, 3) = 'UTC')"
    )
    if form is None:
        # What may be beyond the years that are ours, in UTC, is looked at more closely.
        is_sure = f"{is_sure} and substr({name}, 1, 4) not in ('0000', '0001', '9999')"
    if family == "date":
        plain = f"case when {is_sure} then try_cast({name} as date) end"
        return plain if form is None else within_days(f"coalesce({plain}, {_date(name, form)})")
    plain = f"case when {is_sure} then timezone('UTC', try_cast({name} as timestamptz)) end"
    if form is None:
        return plain
    return within_years(f"coalesce({plain}, timezone('UTC', {_moment(name, form)}))")


def _point(name: str, group: str) -> str:
    return f"replace(replace({name}, '{group}', ''), ',', '.')"


def _date(name: str, form: Form) -> str:
    return f"coalesce(cast({_since_1970(name)} as date), cast({_local(name, form)} as date))"


def _moment(name: str, form: Form) -> str:
    """A time with its zone, of what is written in none of DuckDB's ways."""
    zone = f"regexp_extract({name}, '{_ZONE}', 2)"
    hours = f"regexp_replace({zone}, '^(.\\d{{2}})$', '\\1:00')"
    offset = f"regexp_replace({hours}, '^(.\\d{{2}})(\\d{{2}})$', '\\1:\\2')"
    zone = f"""case
        when upper({zone}) in ('Z', 'GMT') then '+00:00'
        when regexp_matches({zone}, '^[+-]') then {offset}
        else ' ' || {zone}
    end"""
    local = f"cast({_local(name, form)} as varchar)"
    return f"coalesce({_since_1970(name)}, try_cast(trim({local} || {zone}) as timestamptz))"


def _since_1970(name: str) -> str:
    is_number = f"regexp_full_match({name}, '\\d{{9,19}}(\\.\\d+)?')"
    number = f"case when {is_number} then try_cast({name} as decimal(38, 9)) end"
    times = [f"({number}) * {micros}" for micros in _EPOCHS]
    cases = " ".join(
        f"when {each} between {_EARLIEST} and {_LATEST} then make_timestamptz(cast({each} as bigint))"
        for each in times
    )
    return f"case {cases} end"


def _local(name: str, form: Form) -> str:
    """A time as it is written, without its zone."""
    bare = f"regexp_replace({name}, '{_ZONE}', '\\1')"
    # `T` and a comma stand between date and time, a comma and points within a date.
    spaced = f"regexp_replace(replace({bare}, ',', ' '), '(\\d)T(\\d)', '\\1 \\2')"
    dashed = f"regexp_replace({spaced}, '^(\\d{{1,4}})[./](\\d{{1,2}})[./](\\d{{1,4}})', '\\1-\\2-\\3')"
    cases = [
        (_DOTTED, dashed, ("%d-%m-%Y",)),
        (_SLASHED, dashed, ("%d-%m-%Y" if form.order == "day" else "%m-%d-%Y",)),
        (r"^\d{4}[-./]", dashed, ("%Y-%m-%d",)),
        (r"^\d{8}([T ]?\d{6})?$", f"replace({spaced}, ' ', '')", ("%Y%m%d", "%Y%m%d%H%M%S")),
        (r"^\d{1,2}[ -][A-Za-z]{3,9}[ -]\d{4}\b", f"replace({spaced}, '-', ' ')", ("%d %b %Y", "%d %B %Y")),
        (r"^[A-Za-z]{3,9} \d{1,2},? \d{4}\b", spaced, ("%b %d %Y", "%B %d %Y")),
    ]
    whens = " ".join(
        f"when regexp_matches({name}, '{pattern}') then try_strptime({value}, {_formats(dates)})"
        for pattern, value, dates in cases
    )
    return f"case {whens} end"


def _formats(dates: Sequence[str]) -> str:
    clocks = ("",) if "%Y%m%d" in dates else _CLOCKS
    return f"[{', '.join(text(date + clock) for date in dates for clock in clocks)}]"
