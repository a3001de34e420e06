"""SQL expressions of metrics as DAX, the language of Power BI's measures.

SQL's null is DAX's blank, but a blank there equals 0 and the empty text, and is less than any day: so a
comparison asks first whether both sides have values. What has no translation is an error, never a guess.
"""

from collections.abc import Callable, Sequence

import sqlglot
from sqlglot import exp

from retail_assets.errors import UserError

_COMPARED: dict[type, str] = {
    exp.EQ: "=",
    exp.NEQ: "<>",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
}
_COMPUTED: dict[type, str] = {exp.Add: "+", exp.Sub: "-", exp.Mul: "*"}


class NotTranslated(UserError):
    """A metric says what this has no translation of."""


def parse(expression: str) -> exp.Expr:
    """The syntax tree of an SQL expression."""
    return sqlglot.parse_one(expression, read="duckdb")


def dax_of(expression: str, column: Callable[[str], str]) -> str:
    """An SQL expression as DAX; `column` gives each of its columns by its name.

    Raises `NotTranslated`.
    """
    return _Translation(column).value(parse(expression))


def text_of(value: str) -> str:
    """A text as a literal."""
    doubled = value.replace('"', '""')
    return f'"{doubled}"'


class _Translation:
    def __init__(self, column: Callable[[str], str]):
        self._column = column

    def value(self, node: exp.Expr) -> str:
        if isinstance(node, exp.Paren):
            return f"({self.value(node.this)})"
        if isinstance(node, exp.Column):
            return self._column(node.name)
        if isinstance(node, exp.Literal):
            return text_of(node.this) if node.is_string else str(node.this)
        if isinstance(node, exp.Case) and node.this is None:
            return self._case(node)
        if isinstance(node, exp.Coalesce):
            return f"COALESCE({', '.join(self.value(each) for each in (node.this, *node.expressions))})"
        if isinstance(node, exp.Nullif):
            value, other = self.value(node.this), self.value(node.expression)
            return f"IF({value} == {other}, BLANK(), {value})"
        if isinstance(node, exp.Div):
            return f"DIVIDE({self.value(node.this)}, {self.value(node.expression)})"
        if isinstance(node, exp.DPipe):
            return self._with_values(list(node.flatten()), "&")
        if type(node) in _COMPUTED:
            return self._with_values([node.this, node.expression], _COMPUTED[type(node)])
        return self._condition(node)

    def _condition(self, node: exp.Expr) -> str:
        if isinstance(node, exp.Paren):
            return f"({self._condition(node.this)})"
        if isinstance(node, exp.Column):
            return self._column(node.name)
        if isinstance(node, exp.And | exp.Or):
            sign = "&&" if isinstance(node, exp.And) else "||"
            return f"({self._condition(node.this)} {sign} {self._condition(node.expression)})"
        if _is_null(node):
            return f"ISBLANK({self.value(node.this)})"
        if isinstance(node, exp.Not) and _is_null(node.this):
            return f"NOT ISBLANK({self.value(node.this.this)})"
        if type(node) in _COMPARED:
            compared = f"{self.value(node.this)} {_COMPARED[type(node)]} {self.value(node.expression)}"
            operands = (node.this, node.expression)
            there = [f"NOT ISBLANK({self.value(each)})" for each in operands if _may_be_null(each)]
            return f"({' && '.join([*there, compared])})"
        raise NotTranslated(f"DAX of {node.sql()!r} is not known: see retail_assets/power_bi/dax.py.")

    def _case(self, node: exp.Case) -> str:
        default = node.args.get("default")
        translated = self.value(default) if default else ""
        for each in reversed(node.args["ifs"]):
            parts = [self._condition(each.this), self.value(each.args["true"])]
            translated = f"IF({', '.join([*parts, translated] if translated else parts)})"
        return translated

    def _with_values(self, operands: Sequence[exp.Expr], sign: str) -> str:
        """An operation that is blank if an operand is, as in SQL; DAX takes a blank for 0."""
        computed = f" {sign} ".join(self.value(each) for each in operands)
        blank = [f"ISBLANK({self.value(each)})" for each in operands if _may_be_null(each)]
        return f"IF({' || '.join(blank)}, BLANK(), {computed})" if blank else computed


def _is_null(node: exp.Expr) -> bool:
    return isinstance(node, exp.Is) and isinstance(node.expression, exp.Null)


def _may_be_null(node: exp.Expr) -> bool:
    if isinstance(node, exp.Paren):
        return _may_be_null(node.this)
    if isinstance(node, exp.Coalesce):
        return all(_may_be_null(each) for each in (node.this, *node.expressions))
    return not isinstance(node, exp.Literal)
