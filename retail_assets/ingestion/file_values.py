"""Values as files hold them: text, or whatever types a Parquet file has."""

from retail_assets.catalog.contract import SourceColumn, SourceTable
from retail_assets.ingestion.file_formats import PATH
from retail_assets.ingestion.keys import how_to_switch
from retail_assets.ingestion.versions import text


def given_sql(table: SourceTable, column: SourceColumn, name: str | None) -> str:
    """A file's column under its name in raw; what the contract says where the file has none.

    An empty text is null, but as a part of a key it is a value.
    """
    if name is None:
        default = "null" if column.default is None else text(column.default)
        return f'cast({default} as {column.data_type}) as "{column.name}"'
    if (
        column.data_type == "varchar"
        and column.name in table.primary_key
        and len(table.primary_key) > 1
        and not column.is_key
    ):
        return f"""coalesce(cast("{name}" as varchar), '') as "{column.name}\""""
    return f'"{name}" as "{column.name}"'


def wrong_values_sql(table: SourceTable, relation: str) -> str:
    """A query for the files that hold a value of another type, or no key: path, and what is wrong."""
    wrong = ", ".join(_wrong(table, column, column.name in table.primary_key) for column in table.columns)
    return f"""
        select {PATH}, coalesce({wrong}) as what
        from {relation}
        group by {PATH}
        having what is not null
    """


def _wrong(table: SourceTable, column: SourceColumn, is_key: bool) -> str:
    name = f'"{column.name}"'
    shown = "a value" if column.pii else f"''' || left(cast({name} as varchar), 40) || '''"
    wanted = f"no {column.data_type}"
    if column.is_key:
        wanted = f"no number, and {how_to_switch(table.system)}".replace("'", "''")
    told = f"'{column.name} holds {shown}, which is {wanted}'"
    empty = f"when {name} is null then 'a row has no {column.name}'" if is_key else ""
    return (
        f"min(case {empty} when {name} is not null and not coalesce({_fits(column)}, false) then {told} end)"
    )


def _fits(column: SourceColumn) -> str:
    name = f'"{column.name}"'
    if column.data_type == "bigint":
        # A cast would round a fraction.
        return f"try_cast({name} as bigint) = try_cast({name} as double)"
    if column.data_type == "timestamp":
        return f"try_cast({name} as timestamptz) is not null"
    return f"try_cast({name} as {column.data_type}) is not null"
