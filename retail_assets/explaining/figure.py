"""From a figure to its rows: the facts behind a mart's rows, that they sum to it, and what changed since."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from retail_assets.catalog.contract import DELETED_AT, ROW_HASH
from retail_assets.errors import UserError
from retail_assets.explaining.changes import (
    changed_in,
    numbers_of_day,
    of_day,
    tables_behind,
    versions_of_changed,
    with_parts,
)
from retail_assets.explaining.entries import Behind, Catalog, Mart, Staged
from retail_assets.explaining.explanation import PERSONAL, Explanation, Query, days_of
from retail_assets.explaining.versions import KEY, Row, events_of
from retail_assets.ingestion.mapping import nearest
from retail_assets.quality.held_back import QUARANTINE
from retail_assets.resources.sql import text
from retail_assets.settings import Settings
from retail_assets.windows import midnight


def explain_figure(
    catalog: Catalog, settings: Settings, query: Query, name: str, day: date | None, where: Sequence[str]
) -> Explanation:
    """The rows behind a mart's figures of a day. Raises `UserError` if there is no such mart, day or row."""
    mart = catalog.mart(name)
    if mart is None and name not in catalog.marts and not _exists(query, name):
        raise UserError(f"There is no mart {name}{nearest(name, catalog.marts)}")
    if mart is None:
        raise UserError(
            f"{name} does not say which rows its figures are made of (meta.explain in its YAML)."
            f" These marts do: {', '.join(catalog.explained())}."
        )
    if day is None:
        raise UserError(f"Say of which day: retail-assets explain {name} --day DATE.")
    return _Figure(catalog, settings, query, mart, day, where).explained()


class _Figure:
    """The rows of a mart on a day, and the facts behind them."""

    def __init__(
        self,
        catalog: Catalog,
        settings: Settings,
        query: Query,
        mart: Mart,
        day: date,
        where: Sequence[str],
    ):
        self._catalog = catalog
        self._query = query
        self._mart = mart
        self._date = day
        self._day = f"cast('{day}' as date)"
        self._timezone = settings.timezone
        filters = [_filter(mart, catalog.shown_columns(mart.node), each) for each in where]
        self._is_whole = not filters
        self._where = " and ".join([f"{mart.day} = {self._day}", mart.where, *filters])
        self._since_then = changed_in([(midnight(day + timedelta(days=1), settings.timezone), None)])

    def explained(self) -> Explanation:
        """The figures beside the sums of their rows, the rows, and what changed since."""
        found = Explanation()
        self._compare(found)
        for behind in self._mart.behind:
            rows = self._facts(behind)
            found.sentences.append(
                f"{behind.table}: {len(rows):,} row{'' if len(rows) == 1 else 's'} behind it."
            )
            found.add(behind.table, rows)
        self._held_back(found)
        self._changes(found)
        return found

    def _compare(self, found: Explanation) -> None:
        mart = self._mart
        figures = {name: sql for each in mart.behind for name, sql in each.figures.items()}
        shown = {self._key(row): row for row in self._rows(figures)}
        summed: dict[tuple[Any, ...], dict[str, Any]] = {key: {} for key in shown}
        for behind in mart.behind:
            for row in self._sums(behind):
                # With a filter the facts may have rows of other keys, which are none of these figures.
                if self._is_whole or self._key(row) in shown:
                    summed.setdefault(self._key(row), {}).update({name: row[name] for name in behind.figures})
        lines = []
        for name, sql in figures.items():
            pairs = [(shown.get(key, {}).get(name), sums.get(name)) for key, sums in summed.items()]
            differing = sum(not _same(one, other) for one, other in pairs)
            # Numbers of different things do not add up over rows.
            adds_up = len(pairs) == 1 or "distinct" not in sql
            of_mart, of_facts = (_sum(values) if adds_up else None for values in zip(*pairs, strict=True))
            lines.append(
                {
                    "figure": name,
                    "in the mart": of_mart,
                    "of its rows": of_facts,
                    "equal": not differing,
                    "rows that differ": differing,
                }
            )
        wrong = [str(line["figure"]) for line in lines if not line["equal"]]
        many = f"{len(shown):,} row{'' if len(shown) == 1 else 's'}"
        found.sentences.append(
            f"{mart.table}, {many}: these figures are not what their rows sum to: {', '.join(wrong)}."
            if wrong
            else f"{mart.table}, {many}: each of its {len(lines)} figures is what its rows sum to."
        )
        found.holds = not wrong
        found.add("figures", lines, f"{mart.table} and the rows behind it")

    def _rows(self, figures: Mapping[str, str]) -> list[dict[str, Any]]:
        mart = self._mart
        columns = ", ".join([*mart.by, *figures])
        rows: list[dict[str, Any]] = self._query(
            f"select {columns} from {mart.table} where {self._where}"
        ).to_pylist()
        if rows:
            return rows
        first, last = days_of(mart.table, mart.day, mart.where, self._query)
        raise UserError(f"{mart.table} has no such row. Its days are {first} to {last}.")

    def _key(self, row: Row) -> tuple[Any, ...]:
        return tuple(row[name] for name in self._mart.by)

    def _sums(self, behind: Behind) -> list[dict[str, Any]]:
        by = [f"{sql} as {name}" for name, sql in self._mart.by.items()]
        sums = [f"{sql} as {name}" for name, sql in behind.figures.items()]
        places = ", ".join(str(number) for number in range(1, len(by) + 1))
        rows: list[dict[str, Any]] = self._query(f"""
            select {", ".join([*by, *sums])} from {behind.rows}
            where {behind.day} = {self._day} and {behind.where}
            {f"group by {places}" if by else ""}
        """).to_pylist()
        return rows

    def _behind(self, behind: Behind) -> str:
        """The facts behind the figures, as a query."""
        of_the_day = f"from {behind.rows} where {behind.day} = {self._day} and {behind.where}"
        if self._is_whole:
            return f"select * {of_the_day}"
        by = self._mart.by
        keyed = ", ".join(f"{sql} as mart_{name}" for name, sql in by.items())
        same = " and ".join(f"facts.mart_{name} is not distinct from figures.{name}" for name in by)
        return f"""
            select facts.*
            from (select *, {keyed} {of_the_day}) as facts
            inner join
                (select distinct {", ".join(by)} from {self._mart.table} where {self._where}) as figures
                on {same}
        """

    def _facts(self, behind: Behind) -> list[dict[str, Any]]:
        """Its key, what the mart goes by, and what the figures are summed from."""
        shown = self._catalog.shown_columns(behind.node)
        if behind.history:
            described = self._catalog.shown_columns(behind.history.node)
            shown += [name for name in described if name in behind.history.columns]
        read = " ".join([*self._mart.by.values(), *behind.figures.values()])
        words = {*re.findall(r"\w+", read), *_key_columns(behind.node)}
        columns = [name for name in shown if name in words]
        rows = self._query(f"select {', '.join(columns)} from ({self._behind(behind)}) as behind").to_pylist()
        # What none of these rows has is left out, such as the tax of a shop that states none.
        some = [name for name in columns if any(row[name] is not None for row in rows)]
        key = [name for name in columns if name in _key_columns(behind.node)]
        rows.sort(key=lambda row: [str(row[name]) for name in key])
        return [{name: row[name] for name in some} for row in rows]

    def _held_back(self, found: Explanation) -> None:
        """What of the day is in no figure: source rows of it that are in quarantine."""
        behind = [each.node["unique_id"] for each in self._mart.behind]
        upstream = tables_behind(self._catalog, behind, self._query)
        tables = list(of_day(self._catalog, upstream, self._date))
        lines: list[dict[str, Any]] = []
        for staged, condition in tables:
            # Of a refused row only the key is known: of the day is what begins like the key of a row that is.
            _, begin = staged.key[0]
            alike = " union ".join(
                f"select '{begin}=' || cast({other.key[0][0]} as varchar) from {other.raw} where {of_it}"
                for other, of_it in tables
                if other.source.system == staged.source.system and other.key[0][1] == begin
            )
            rows = self._query(f"""
                select row_key, reason, amount from {QUARANTINE}
                where model_name = {text(str(staged.model["name"]))} and (
                    (is_refused and split_part(row_key, ', ', 1) in ({alike}))
                    or (not is_refused and row_hash in (
                        select {ROW_HASH} from {staged.raw} where {DELETED_AT} is null and {condition}
                    ))
                )
                order by row_key, row_hash
            """).to_pylist()
            lines += [
                {
                    "table": staged.name,
                    "key": PERSONAL if staged.key_is_personal else row["row_key"],
                    "reason": row["reason"],
                    "amount": row["amount"],
                }
                for row in rows
            ]
        if not lines:
            return
        worth = [line["amount"] for line in lines if line["amount"] is not None]
        found.sentences.append(
            f"Held back of {self._date}, and so in none of these figures: {len(lines):,}"
            f" source row{'' if len(lines) == 1 else 's'}{f', worth {sum(worth):,.2f}' if worth else ''}."
        )
        found.add("held back", lines, "In quarantine: see retail-assets quarantine show")

    def _changes(self, found: Explanation) -> None:
        """What raw saw after the day of the orders behind the figures, or once on this day."""
        tables = {each.table: each for each in self._mart.behind}
        lines: list[dict[str, Any]] = []
        subjects = [
            (whole, [each for each in self._catalog.places(whole) if each.table in tables])
            for whole in self._catalog.subjects()
        ]
        if not any(places for _, places in subjects):
            # No order is behind a level of stock.
            return
        for whole, places in subjects:
            if not places:
                continue
            current = " union ".join(
                f"select cast({each.key} as varchar) from ({self._behind(tables[each.table])}) as behind"
                f" where {each.where}"
                for each in places
            )
            parts = with_parts(self._catalog, whole)
            concerned = " union ".join([current, *numbers_of_day(parts, self._date)])
            now = {
                str(next(iter(row.values())))
                for row in self._query(f"select * from ({current}) as known").to_pylist()
            }
            for part, number in parts.values():
                lines += self._since(part, number, concerned, now)
        lines.sort(key=lambda line: (line["day"], line["table"], line["key"]))
        orders = {(str(line["table"]).partition(".")[0], line["order"]) for line in lines}
        found.sentences.append(
            f"Since then {len(orders):,} of the orders behind it, or once on this day, have changed."
            if lines
            else "Since then nothing has changed of the orders behind it."
        )
        found.add("changes", lines, "What changed since that day")

    def _since(self, part: Staged, number: str, concerned: str, now: set[str]) -> Iterator[dict[str, Any]]:
        of_these = f"cast({number} as varchar) in ({concerned})"
        versions = versions_of_changed(part, self._since_then, of_these, self._query)
        owners = {row[KEY]: str(row[number]) for row in versions}
        for event in events_of(part, versions, (), self._timezone):
            if event.day is not None and event.day > self._date:
                of = owners[event.key]
                yield {**event.line, "order": of, "behind it": of in now}


def _exists(query: Query, table: str) -> bool:
    """Whether there is such a table: some marts are made in Python, unknown to the dbt project."""
    schema, _, name = table.partition(".")
    found = query(
        "select table_name from information_schema.tables"
        f" where lower(table_schema) = {text(schema)} and lower(table_name) = {text(name)}"
    )
    return bool(found.num_rows)


def _filter(mart: Mart, known: Sequence[str], written: str) -> str:
    """`territory_id=3` as SQL; `territory_id=` is null."""
    name, equals, value = written.partition("=")
    name = name.strip()
    if not equals:
        raise UserError(f"--where {written}: write COLUMN=VALUE.")
    if name in mart.node["columns"] and name not in known:
        raise UserError(f"{name} of {mart.table} is personal data, which is not shown here.")
    if name not in known:
        raise UserError(f"{mart.table} has no column {name}{nearest(name, known)}")
    return f"cast({name} as varchar) = {text(value)}" if value else f"{name} is null"


def _key_columns(node: Mapping[str, Any]) -> list[str]:
    """What a fact's rows are told apart by: all its columns that are a number of something, and its key."""
    ids = [name for name in node["columns"] if name.endswith("_id")]
    return [*node["config"]["unique_key"], *ids]


def _sum(values: Sequence[Any]) -> Any:
    numbers = [value for value in values if value is not None]
    return (
        sum(numbers, Decimal(0) if any(isinstance(each, Decimal) for each in numbers) else 0)
        if numbers
        else None
    )


def _same(one: Any, other: Any) -> bool:
    """Nothing to sum is null in the facts, and may be 0 in the mart."""
    return (one or 0) == (other or 0)
