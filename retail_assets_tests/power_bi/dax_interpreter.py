"""The part of DAX that measures are written in, evaluated as its reference says, row by row.

Source: "Data Analysis Expressions (DAX) Reference", Microsoft Learn. A blank is `None`: it equals 0, the
empty text and false in a comparison, and is the least of all days; text is compared without regard to case.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

Row = Mapping[str, Any]

_TOKEN = re.compile(
    r"""\s*(?:(?P<number>\d+(?:\.\d+)?)|(?P<text>"(?:[^"]|"")*")|(?P<table>'(?:[^']|'')*')|(?P<column>\[[^\]]*\])
    |(?P<sign>&&|\|\||==|<>|<=|>=|[-+*/&=<>(),])|(?P<word>\w+))""",
    re.VERBOSE,
)


@dataclass(frozen=True)
class Context:
    """What an expression sees: rows of tables, the row it is at, and variables."""

    tables: Mapping[str, Sequence[Row]]
    related: Callable[[str, Row, str], Row | None]
    """The one row of another table that a row of a table belongs to."""
    measures: Mapping[str, str]
    at: tuple[str, Row] | None = None
    variables: Mapping[str, Any] = field(default_factory=dict)


def evaluate(expression: str, context: Context) -> Any:
    """The value of an expression."""
    parser = _Parser(list(_tokens(expression)))
    value = parser.expression()
    assert parser.is_done, f"more than an expression: {expression}"
    return value(context)


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    place = 0
    while text[place:].strip():
        found = _TOKEN.match(text, place)
        assert found, f"no DAX: {text[place:]}"
        assert found.lastgroup
        yield found.lastgroup, found[found.lastgroup]
        place = found.end()


class _Parser:
    """Each method reads a part, and gives what computes it in a context."""

    def __init__(self, tokens: list[tuple[str, str]]):
        self._tokens = tokens

    @property
    def is_done(self) -> bool:
        return not self._tokens

    def _next(self, *texts: str) -> str | None:
        if self._tokens and (not texts or self._tokens[0][1] in texts):
            return self._tokens.pop(0)[1]
        return None

    def _must(self, text: str) -> None:
        assert self._next(text), f"{text} is missing before {self._tokens[:5]}"

    def expression(self) -> Callable[[Context], Any]:
        if not self._next("VAR"):
            return self._binary(0)
        name = self._next()
        assert name
        self._must("=")
        value = self._binary(0)
        self._must("RETURN")
        result = self._binary(0)
        return lambda context: result(replace(context, variables={**context.variables, name: value(context)}))

    # From what binds least.
    _LEVELS = (("||",), ("&&",), ("=", "==", "<>", "<", "<=", ">", ">="), ("&",), ("+", "-"), ("*", "/"))

    def _binary(self, level: int) -> Callable[[Context], Any]:
        if level == len(self._LEVELS):
            return self._unary()
        left = self._binary(level + 1)
        while sign := self._next(*self._LEVELS[level]):
            left = _operation(sign, left, self._binary(level + 1))
        return left

    def _unary(self) -> Callable[[Context], Any]:
        if self._next("NOT"):
            value = self._unary()
            return lambda context: not value(context)
        if self._next("("):
            inner = self.expression()
            self._must(")")
            return inner
        kind, text = self._tokens.pop(0)
        if kind == "number":
            return lambda _: float(text)
        if kind == "text":
            return lambda _: text[1:-1].replace('""', '"')
        if kind == "table":
            name = text[1:-1].replace("''", "'")
            if self._tokens and self._tokens[0][0] == "column":
                column = self._tokens.pop(0)[1][1:-1]
                return _Column(name, column)
            return lambda context: [(name, row) for row in context.tables[name]]
        if kind == "column":
            name = text[1:-1]
            return lambda context: _named(name, context)
        if self._next("("):
            arguments = []
            while not self._next(")"):
                arguments.append(self.expression())
                self._next(",")
            return _FUNCTIONS[text](*arguments)
        return lambda context: context.variables[text]


class _Column:
    """A column: the value of the row that is looked at."""

    def __init__(self, table: str, name: str):
        self.table, self.name = table, name

    def __call__(self, context: Context) -> Any:
        assert context.at
        assert context.at[0] == self.table, f"no row of {self.table} is looked at"
        return context.at[1][self.name]


def _named(name: str, context: Context) -> Any:
    """A measure, or a column of a table that was computed."""
    if context.at and context.at[0] == "" and name in context.at[1]:
        return context.at[1][name]
    return evaluate(context.measures[name], replace(context, at=None))


def _compared(left: Any, right: Any) -> tuple[Any, Any]:
    """Both sides as they are compared: a blank is the other side's nothing."""
    nothing = {
        str: "",
        bool: False,
        float: 0.0,
        int: 0,
        date: date(1899, 12, 30),
    }
    if left is None and right is not None:
        left = nothing[type(right)]
    if right is None and left is not None:
        right = nothing[type(left)]
    if isinstance(left, str) and isinstance(right, str):
        left, right = left.casefold(), right.casefold()
    return left, right


def _operation(
    sign: str, left: Callable[[Context], Any], right: Callable[[Context], Any]
) -> Callable[[Context], Any]:
    def compute(context: Context) -> Any:
        if sign == "&&":
            return bool(left(context)) and bool(right(context))
        if sign == "||":
            return bool(left(context)) or bool(right(context))
        one, other = left(context), right(context)
        if sign == "&":
            return f"{'' if one is None else one}{'' if other is None else other}"
        if sign == "==":
            # Strictly: a blank equals a blank only.
            return (one is None) == (other is None) and _compared(one, other)[0] == _compared(one, other)[1]
        if sign in "+-":
            if one is None and other is None:
                return None
            return float(one or 0) + float(other or 0) * (1 if sign == "+" else -1)
        if sign == "*":
            return None if one is None or other is None else float(one) * float(other)
        one, other = _compared(one, other)
        return {
            "=": lambda: one == other, "<>": lambda: one != other, "<": lambda: one < other,
            "<=": lambda: one <= other, ">": lambda: one > other, ">=": lambda: one >= other,
        }[sign]()  # fmt: skip

    return compute


def _rows(rows: Callable[[Context], Any], context: Context) -> Iterator[Context]:
    return (replace(context, at=row) for row in rows(context))


def _if(condition: Any, then: Any, otherwise: Any = lambda _: None) -> Any:
    return lambda context: then(context) if condition(context) else otherwise(context)


def _sumx(rows: Any, value: Any) -> Any:
    def compute(context: Context) -> Any:
        found = [one for each in _rows(rows, context) if (one := value(each)) is not None]
        return float(sum(found)) if found else None

    return compute


def _divide(one: Any, other: Any) -> Any:
    def compute(context: Context) -> Any:
        above, beneath = one(context), other(context)
        return None if above is None or not beneath else float(above) / float(beneath)

    return compute


def _distinct(rows: Any) -> Any:
    def compute(context: Context) -> Any:
        found: dict[Any, Any] = {}
        for table, row in rows(context):
            (value,) = row.values()
            found.setdefault(value.casefold() if isinstance(value, str) else value, (table, row))
        return list(found.values())

    return compute


def _coalesce(*values: Any) -> Any:
    return lambda context: next((one for each in values if (one := each(context)) is not None), None)


def _related(column: Any) -> Any:
    def compute(context: Context) -> Any:
        assert context.at
        row = context.related(*context.at, column.table)
        return row[column.name] if row else None

    return compute


def _max(column: Any) -> Any:
    def compute(context: Context) -> Any:
        values = [row[column.name] for row in context.tables[column.table] if row[column.name] is not None]
        return max(values, default=None)

    return compute


def _calculate(value: Any, condition: Any) -> Any:
    """With a condition on one column, whose table is the one of the value."""

    def compute(context: Context) -> Any:
        tables = dict(context.tables)
        for table, rows in context.tables.items():
            try:
                tables[table] = [row for row in rows if condition(replace(context, at=(table, row)))]
            except AssertionError:
                continue
        return value(replace(context, tables=tables, at=None))

    return compute


_FUNCTIONS: Mapping[str, Callable[..., Callable[[Context], Any]]] = {
    "IF": _if,
    "BLANK": lambda: lambda _: None,
    "ISBLANK": lambda value: lambda context: value(context) is None,
    "SUMX": _sumx,
    "DIVIDE": _divide,
    "COALESCE": _coalesce,
    "RELATED": _related,
    "MAX": _max,
    "CALCULATE": _calculate,
    "DISTINCT": _distinct,
    "COUNTROWS": lambda rows: lambda context: len(rows(context)) or None,
    "FILTER": lambda rows, condition: (
        lambda context: [each.at for each in _rows(rows, context) if condition(each)]
    ),
    "SELECTCOLUMNS": lambda rows, name, value: (
        lambda context: [("", {name(context): value(each)}) for each in _rows(rows, context)]
    ),
}
