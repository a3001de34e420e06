"""Constructs of SQL of which DuckDB and Snowflake make different things, or which one of them refuses."""

import re
from collections.abc import Callable, Iterator, Mapping

import sqlglot
from sqlglot import exp

DOUBLE = (exp.DataType.Type.DOUBLE, exp.DataType.Type.FLOAT)
OF_DOUBLES = (exp.Exp, exp.Ln, exp.Sqrt, exp.Pow, exp.Radians, exp.Sin, exp.Cos, exp.Asin)
OF_OPERANDS = (exp.Nullif, exp.Coalesce, exp.Greatest, exp.Least, exp.Sum, exp.Min, exp.Max, exp.Floor)
PASSING_ON = (*OF_OPERANDS, exp.Paren, exp.Neg, exp.Add, exp.Sub, exp.Mul, exp.Div)
RANGES = (exp.GT, exp.GTE, exp.LT, exp.LTE, exp.NEQ, exp.Between)
BACKSLASH = re.compile(r"'(?:[^']|'')*\\(?:[^']|'')*'")
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)


def judged_differently(sql: str) -> list[str]:
    """What is wrong with a statement for Snowflake. Each construct has a macro that is right on both."""
    tree = sqlglot.parse_one(COMMENT.sub("", sql), read="snowflake")
    found = [
        f"{what}: {node.sql('snowflake')[:200]}" for what, nodes in LOOKED_FOR.items() for node in nodes(tree)
    ]
    if BACKSLASH.search(sql):
        found.append("a backslash in a literal: resources.sql.text")
    return found


def _divisions(tree: exp.Expr) -> Iterator[exp.Expr]:
    """Decimals and whole numbers divide to doubles in DuckDB, and to decimals of some scale in Snowflake."""
    for node in tree.find_all(exp.Div):
        # A dividend less its remainder has a whole quotient in both.
        dividend = node.this.unnest()
        is_whole = isinstance(dividend, exp.Sub) and isinstance(dividend.expression.unnest(), exp.Mod)
        if not is_whole and not _is_double(node):
            yield node


def _is_double(node: exp.Expr) -> bool:
    if isinstance(node, exp.Cast):
        return node.to.this in DOUBLE
    if isinstance(node, PASSING_ON):
        operands = [node.this, node.args.get("expression"), *node.expressions]
        return any(_is_double(each) for each in operands if isinstance(each, exp.Expr))
    return isinstance(node, OF_DOUBLES)


def _descending(tree: exp.Expr) -> Iterator[exp.Expr]:
    """Nulls come last in DuckDB and first in Snowflake."""
    return (node for node in tree.find_all(exp.Ordered) if node.args.get("desc") and node.args["nulls_first"])


def _reused(tree: exp.Expr) -> Iterator[exp.Expr]:
    """Snowflake puts the alias's expression there, and an aggregate of an aggregate is refused."""
    for select in tree.find_all(exp.Select):
        having: exp.Expr | None = select.args.get("having")
        aliases = {each.alias.lower() for each in select.expressions if isinstance(each, exp.Alias)}
        for aggregate in having.find_all(exp.AggFunc) if having else ():
            columns = aggregate.find_all(exp.Column)
            if any(not column.table and column.name.lower() in aliases for column in columns):
                yield aggregate


def _correlated(tree: exp.Expr) -> Iterator[exp.Expr]:
    """Snowflake evaluates such a subquery only if it can make a join of equalities of it."""
    if not isinstance(tree, exp.Update | exp.Delete):
        return
    for exists in tree.find_all(exp.Exists):
        own = {table.alias_or_name.lower() for table in exists.find_all(exp.Table)}
        for compared in exists.find_all(*RANGES):
            tables = {column.table.lower() for column in compared.find_all(exp.Column)} - {""}
            if tables & own and tables - own:
                yield exists
                break


LOOKED_FOR: Mapping[str, Callable[[exp.Expr], Iterator[exp.Expr]]] = {
    "division of what is no double (ratio, whole_quotient, double_quotient)": _divisions,
    "desc without nulls last": _descending,
    "an aggregate in having over an alias of the same select": _reused,
    "a correlated exists with an inequality in a change": _correlated,
}
