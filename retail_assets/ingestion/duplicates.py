"""Duplicates: several rows with the same key in one reading. One of them counts, the others are reported.

The row that changed last counts. Among rows with the same time of change, it is the one with the greater
values, compared column by column in the contract's order, nulls lowest. So the choice does not depend on the
order of reading or on the windows. The others with the same time are refused. Rows with an earlier time are
loaded as earlier versions, as a reading between the two times would have done.
"""

from collections.abc import Sequence

from retail_assets.catalog.contract import (
    CHANGED_AT,
    DELETED_AT,
    LOADED_AT,
    MODIFIED_AT,
    ROW_HASH,
    SourceTable,
)
from retail_assets.ingestion.extraction import Extraction, Repeated
from retail_assets.ingestion.refusals import DUPLICATE, MOST_ROWS, Refusal, chunks
from retail_assets.ingestion.versions import stored_key, timestamp
from retail_assets.resources.sql import text
from retail_assets.resources.warehouse import Execute


def refused_duplicates(extraction: Extraction, table: SourceTable, execute: Execute) -> Sequence[Refusal]:
    """The rows of what was just loaded that another row of the same reading, or file, stands for."""
    staged = f"{table.schema}_staging.{table.name}"
    key = ", ".join(table.primary_key)
    unit = f"{key}, {LOADED_AT}"
    if not execute(f"select 1 from {staged} group by {unit} having count(*) > 1 limit 1"):
        return ()
    values = ", ".join(f"{column.name} desc nulls last" for column in table.columns)
    order = f"partition by {unit} order by {MODIFIED_AT} desc nulls last, {values}"
    rows = execute(f"""
        with placed as (
            select
                *,
                {stored_key(table)} as row_key,
                cast({table.amount or "null"} as decimal(38, 6)) as amount,
                row_number() over ({order}) as place,
                {ROW_HASH} = first_value({ROW_HASH}) over ({order}) as is_same,
                {MODIFIED_AT} is not distinct from max({MODIFIED_AT}) over (partition by {unit}) as is_of_last
            from {staged}
            qualify count(*) over (partition by {unit}) > 1
        )
        select
            row_key, amount, {ROW_HASH}, {MODIFIED_AT}, {CHANGED_AT}, {LOADED_AT}, is_same, place, is_of_last
        from placed
        where place > 1
        order by row_key, place
        limit {MOST_ROWS}
    """)
    earlier = [row[0] for row in rows if not row[-1]]
    if earlier and extraction.source.is_current:
        extraction.repeated[table.name] = Repeated(len(set(earlier)), earlier[0])
    return [
        Refusal(
            table_name=table.name,
            row_key=row_key,
            column_name=None,
            value=None,
            reason=DUPLICATE,
            amount=amount,
            origin=None,
            # Of rows that are the same to the last column, each is a refusal of its own.
            row_hash=int(row_hash) - (place if is_same else 0),
            modified_at=modified_at,
            changed_at=changed_at,
            loaded_at=loaded_at,
        )
        for row_key, amount, row_hash, modified_at, changed_at, loaded_at, is_same, place, is_of_last in rows
        if is_of_last
    ]


def repeated_in_files(extraction: Extraction, table: SourceTable, execute: Execute) -> Repeated | None:
    """Keys of what was just loaded that several files have, with one time of change and other values.

    It may be a correction, or the numbers of two branches that both begin with 1.
    """
    if extraction.source.is_current:
        return None
    staged = f"{table.schema}_staging.{table.name}"
    unit = f"{', '.join(table.primary_key)}, {MODIFIED_AT}"
    if not execute(
        f"select 1 from {staged} group by {unit} having min({LOADED_AT}) < max({LOADED_AT}) limit 1"
    ):
        return None
    ((keys, example, amount),) = execute(f"""
        with placed as (
            select
                {stored_key(table)} as row_key,
                cast({table.amount or "null"} as decimal(38, 6)) as amount,
                {LOADED_AT},
                max({LOADED_AT}) over (partition by {unit}) as last_loaded_at
            from {staged}
        )
        select count(distinct row_key), min(row_key), sum(amount) from placed
        where {LOADED_AT} < last_loaded_at
    """)
    return Repeated(int(keys), example, is_of_files=True, amount=amount)


def mark_duplicates(
    extraction: Extraction, table: SourceTable, duplicates: Sequence[Refusal], execute: Execute
) -> None:
    """Mark the versions in raw that are refused: they are not what the source says of their key."""
    raw, start = f"{table.schema}.{table.name}", timestamp(extraction.window.start)
    for some in chunks(duplicates):
        hashes = ", ".join(str(each.row_hash) for each in some)
        execute(
            f"update {raw} set {DELETED_AT} = {start} where {DELETED_AT} is null and {ROW_HASH} in ({hashes})"
        )


def found_again(table: SourceTable) -> str:
    """The condition on `_refused_rows`: duplicates whose key was just loaded."""
    key = stored_key(table)
    staged = f"{table.schema}_staging.{table.name}"
    return f"(reason = {text(DUPLICATE)} and row_key in (select {key} from {staged}))"
