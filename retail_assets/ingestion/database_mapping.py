"""What a mapping makes of a database's tables: SQLAlchemy's expressions for the contract's columns."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import sqlalchemy as sa

from retail_assets.catalog.contract import Names, SourceColumn, SourceTable
from retail_assets.ingestion.errors import SourceError
from retail_assets.ingestion.mapping import Hash, SystemMapping, place_of
from retail_assets.ingestion.translation import KEY_SEPARATOR, NO_PART

Expression: TypeAlias = sa.ColumnElement[Any]


def places(
    mapping: SystemMapping, table: SourceTable, relation: sa.FromClause
) -> tuple[Mapping[str, Expression], frozenset[str]]:
    """What each of the contract's columns is in a relation, by what the mapping says or by its name.

    Also the columns that are not there, as the mapping knows.
    """
    said, constants = mapping.columns_of(table), mapping.of(table).defaults
    names = Names(relation.c.keys())
    found: dict[str, Expression] = {}
    given_up = set()
    for column in table.columns:
        wanted, name = said.get(column.name), names.find(column.source_name)
        if isinstance(wanted, Hash):
            found[column.name] = _key_of([_place(each, relation, names) for each in wanted.hash])
        elif wanted is not None:
            found[column.name] = _place(wanted, relation, names)
        elif name is not None:
            alike = names.alike(column.source_name)
            if len(alike) > 1:
                raise SourceError(
                    f"{table.system}: {table.source_table} has the columns {' and '.join(alike)}, and each"
                    f" may be {column.name}. Name the right one under tables.{table.name}.columns in the"
                    f" mapping (RETAIL_{table.system.upper()}_MAPPING)."
                )
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
    if dialect == "sqlite" and column.is_key and not isinstance(found.type, sa.Integer):
        # The driver writes 12345678.0 as 1.234568e+07.
        whole = sa.cast(found, sa.BigInteger)
        return sa.case((sa.and_(sa.func.typeof(found) == "real", found == whole), whole), else_=found)
    return found


def _place(wanted: str | Sequence[str], relation: sa.FromClause, names: Names) -> Expression:
    """A column of the relation by its name, or an expression over its columns."""
    name, expression = place_of(wanted, names)
    return sa.literal_column(f"({expression})") if name is None else relation.c[name]


def _key_of(parts: Sequence[Expression]) -> Expression:
    """The text that a key of several columns is made of; null if all of them are."""
    texts: list[sa.ColumnElement[str]] = [
        sa.func.coalesce(sa.cast(part, sa.Unicode(255)), NO_PART) for part in parts
    ]
    joined = texts[0]
    for each in texts[1:]:
        joined = joined + KEY_SEPARATOR + each
    return sa.case((sa.and_(*(part.is_(None) for part in parts)), sa.null()), else_=joined)
