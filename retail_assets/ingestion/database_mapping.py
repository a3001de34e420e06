"""What a mapping makes of a database's tables: SQLAlchemy's expressions for the contract's columns."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import MONEY

from retail_assets.catalog.contract import Names, SourceColumn, SourceTable
from retail_assets.ingestion.mapping import Hash, SystemMapping, place_of, refuse_rivals
from retail_assets.ingestion.translation import KEY_SEPARATOR, NO_PART

Expression: TypeAlias = sa.ColumnElement[Any]


def places(
    mapping: SystemMapping, table: SourceTable, relation: sa.FromClause
) -> tuple[Mapping[str, Expression], frozenset[str]]:
    """What each of the contract's columns is in a relation, by what the mapping says or by its name.

    Also the columns that are not there, as the mapping knows. Raises `SourceError` if several columns of the
    relation may be the same one.
    """
    said, constants = mapping.columns_of(table), mapping.of(table).defaults
    names = Names(relation.c.keys())
    found: dict[str, Expression] = {}
    given_up = set()

    def refuse(name: str) -> None:
        setting = f"RETAIL_{table.system.upper()}_MAPPING"
        place = f"under tables.{table.name}.columns in the mapping ({setting})"
        refuse_rivals(names, name, f"{table.system}: {table.source_table} ({table.name})", place)

    for column in table.columns:
        wanted, name = said.get(column.name), names.find(column.source_name)
        if isinstance(wanted, Hash):
            found[column.name] = _key_of([_place(each, relation, names, refuse) for each in wanted.hash])
        elif wanted is not None:
            found[column.name] = _place(wanted, relation, names, refuse)
        elif name is not None:
            refuse(column.source_name)
            found[column.name] = relation.c[name]
        elif column.name in constants:
            found[column.name] = sa.null()
        elif column.name in said:
            given_up.add(column.name)
    mapping.refuse_lost_words(table, found)
    return found, frozenset(given_up)


def selected(
    found: Mapping[str, Expression], columns: Sequence[SourceColumn], dialect: str
) -> Sequence[Expression]:
    """These columns by the contract's names; what stands in for those that are not there."""
    return [_selected(found.get(column.name), column, dialect).label(column.name) for column in columns]


def _selected(found: Expression | None, column: SourceColumn, dialect: str) -> Expression:
    if found is None:
        return sa.null() if column.default is None else sa.literal(column.default)
    is_text = column.is_key or (column.data_type == "varchar" and not isinstance(found.type, sa.String))
    if dialect == "sqlite" and is_text and not isinstance(found.type, sa.Integer):
        # The driver writes 12345678.0 as 1.234568e+07, and a whole number beside nulls is often a real one.
        whole = sa.cast(found, sa.BigInteger)
        return sa.case((sa.and_(sa.func.typeof(found) == "real", found == whole), whole), else_=found)
    if isinstance(found.type, MONEY):
        # As text it has a currency sign, and is written as the server's language has it.
        return sa.cast(found, sa.Numeric)
    return found


def _place(
    wanted: str | Sequence[str], relation: sa.FromClause, names: Names, refuse: Callable[[str], None]
) -> Expression:
    """A column of the relation by its name, or an expression over its columns."""
    name, expression = place_of(wanted, names)
    if name is None:
        return sa.literal_column(f"({expression})")
    refuse(expression)
    return relation.c[name]


def _key_of(parts: Sequence[Expression]) -> Expression:
    """The text that a key of several columns is made of; null if all of them are."""
    texts: list[sa.ColumnElement[str]] = [
        sa.func.coalesce(sa.cast(part, sa.Unicode(255)), NO_PART) for part in parts
    ]
    joined = texts[0]
    for each in texts[1:]:
        joined = joined + KEY_SEPARATOR + each
    return sa.case((sa.and_(*(part.is_(None) for part in parts)), sa.null()), else_=joined)
