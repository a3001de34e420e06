"""From a row to its story: every version that raw has seen, what it moved, and where it is now."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from retail_assets.catalog.contract import CHANGED_AT, DELETED_AT, ROW_HASH
from retail_assets.errors import UserError
from retail_assets.explaining.entries import Catalog, Place, Staged
from retail_assets.explaining.explanation import PERSONAL, Explanation, Query
from retail_assets.explaining.versions import (
    KEY,
    Event,
    Row,
    day_of,
    events_of,
    refusals_of,
    shown_row,
    standing,
    versions_of,
)
from retail_assets.ingestion.versions import stored_key
from retail_assets.quality.held_back import QUARANTINE, RELEASED
from retail_assets.resources.sql import text
from retail_assets.settings import Settings

RunAt = Callable[[datetime, date], str | None]


class Story:
    """The story of one row of a table, and of the rows that belong to it."""

    def __init__(
        self, catalog: Catalog, settings: Settings, query: Query, run_at: RunAt = lambda moment, day: None
    ):
        self._catalog = catalog
        self._timezone = settings.timezone
        self._query = query
        self._run_at = run_at
        self._found = Explanation()

    def of(self, table: Staged, key: Sequence[str]) -> Explanation:
        """What there is to say. Raises `UserError` if no row of the table ever had this key."""
        where = self._key_is(table, key)
        rows = {table.name: (table, where)}
        if table.entry.get("subject"):
            for part in self._catalog.parts(table).values():
                rows[part.name] = (part, self._belongs(part, table, key[0]))
        versions = {name: versions_of(each, of_it, self._query) for name, (each, of_it) in rows.items()}
        refused = {
            name: refusals_of(each, self._refused(each, table, key, versions[name]), self._query)
            for name, (each, _) in rows.items()
        }
        if not versions[table.name] and not any(refused.values()):
            raise UserError(f"No row of {table.name} has ever had the key {', '.join(key)}.")
        self._say(table, rows, versions, refused)
        self._days(rows)
        for place in self._catalog.places(table):
            self._place(place, key[0])
        self._marts(table)
        for name, (each, _) in rows.items():
            now = [shown_row(each, row) for row in standing(versions[name])]
            self._found.add(name, now, f"{name} as it is in raw now")
        return self._found

    def _say(
        self,
        table: Staged,
        rows: Mapping[str, tuple[Staged, str]],
        versions: Mapping[str, Sequence[Row]],
        refused: Mapping[str, Sequence[Row]],
    ) -> None:
        events = [
            event
            for name, (each, _) in rows.items()
            for event in events_of(each, versions[name], refused[name], self._timezone)
        ]
        held = [
            line
            for name, (each, of_it) in rows.items()
            for line in self._held_back(each, of_it, refused[name])
        ]
        now = {name: standing(versions[name]) for name in rows}
        for name in rows:
            if versions[name] or refused[name] or name == table.name:
                self._found.sentences.append(_told(name, versions[name], now[name], refused[name]))
        open_ones = [each for each in held if each["until"] is None]
        self._found.sentences.append(
            f"{len(open_ones)} of these rows held back or refused now: {'; '.join(_why(open_ones))}."
            if open_ones
            else "None of these rows is in quarantine, or refused."
        )
        self._found.add("versions", [self._line(each) for each in events], "What raw has seen")
        self._found.add("quarantine", held, "Held back or refused")
        accepted = [line for name, (each, _) in rows.items() for line in self._released(each, versions[name])]
        self._found.add("released", accepted, "Released: accepted in spite of a rule")

    def _line(self, event: Event) -> dict[str, Any]:
        is_loaded = event.loaded_at is not None and event.day is not None
        run = self._run_at(event.loaded_at, event.day) if is_loaded else None  # type: ignore[arg-type]
        return {
            "table": event.table,
            "key": event.key,
            "day": event.day,
            "what": event.what,
            "column": event.column,
            "before": event.before,
            "after": event.after,
            "modified_at": event.modified_at,
            "loaded_at": event.loaded_at and event.loaded_at.replace(microsecond=0),
            "run": run,
        }

    def _held_back(self, table: Staged, where: str, refused: Sequence[Row]) -> Iterator[dict[str, Any]]:
        keys = f"select {_staged_key(table)} from {table.raw} where {where}"
        for each in self._query(f"""
            select row_key, reason, amount, {CHANGED_AT} from {QUARANTINE}
            where not is_refused and model_name = '{table.model["name"]}' and row_key in ({keys})
            order by row_key
        """).to_pylist():
            since = day_of(each[CHANGED_AT], self._timezone)
            yield _held(table, each, "held back by a rule", since, None)
        for each in refused:
            since, until = (day_of(each[name], self._timezone) for name in (CHANGED_AT, DELETED_AT))
            yield _held(table, each, "refused: not in raw", since, until)

    def _released(self, table: Staged, versions: Sequence[Row]) -> Iterator[dict[str, Any]]:
        keys = {row[ROW_HASH]: row[KEY] for row in versions}
        if not keys or not self._columns(RELEASED):
            return
        for each in self._query(f"""
            select * from {RELEASED}
            where model_name = {text(str(table.model["name"]))} and row_hash in ({", ".join(map(str, keys))})
        """).to_pylist():
            yield {
                "table": table.name,
                "key": keys[each["row_hash"]],
                "reason": each["reason"],
                "by": each["released_by"],
                "at": each["released_at"],
                "why": each["why"],
            }

    def _days(self, rows: Mapping[str, tuple[Staged, str]]) -> None:
        found: dict[tuple[date, str], list[Any]] = {}
        for name, (table, where) in rows.items():
            names = table.entry.get("days", ())
            if not names:
                continue
            raw_key, staged_key = zip(*table.key, strict=True)
            versions = f"{table.relation}_versions"
            for column in names:
                for row in self._query(f"""
                    select {column} as moved, min({CHANGED_AT}) as since
                    from {versions}
                    where {column} is not null and ({", ".join(staged_key)}) in (
                        select {", ".join(raw_key)} from {table.raw} where {where}
                    )
                    group by {column}
                """).to_pylist():
                    found.setdefault((row["moved"], f"{name}: {column}"), []).append(row["since"])
        self._found.add(
            "days",
            [
                {"day": moved, "named by": by, "since": day_of(min(since), self._timezone)}
                for (moved, by), since in sorted(found.items())
            ],
            "Days whose figures it moved, by any version (since: the day that took that version in)",
        )

    def _place(self, place: Place, key: str) -> None:
        columns = self._catalog.shown_columns(place.node)
        # Of a table of affected keys a day is enough.
        named = f"select distinct {', '.join(columns)} from {place.table}"
        rows = self._query(f"{named} where {place.where} and {self._equals(place.table, place.key, key)}")
        ordered = sorted(
            rows.to_pylist(), key=lambda row: [(value is None, str(value)) for value in row.values()]
        )
        is_list = place.table.startswith("affected.")
        title = (
            f"{place.table}: what the newest run made anew because of it" if is_list else f"{place.table} now"
        )
        self._found.add(place.table, ordered, title)
        if not ordered and not is_list:
            self._found.sentences.append(f"It is not in {place.table}.")

    def _marts(self, table: Staged) -> None:
        explained = self._catalog.explained()
        self._found.add(
            "marts",
            [
                {
                    "mart": mart,
                    "replaces": ", ".join([key] if isinstance(key, str) else key),
                    "as listed by": by,
                    "figures can be explained": mart in explained,
                }
                for mart, by, key in self._catalog.replaced_with(table)
            ],
            "Marts that it moves",
        )

    def _key_is(self, table: Staged, key: Sequence[str]) -> str:
        names = table.source.primary_key
        if len(key) != len(names):
            raise UserError(
                f"The key of {table.name} is {', '.join(names)}: write {len(names)}, not {len(key)}."
            )
        return " and ".join(
            self._equals(table.raw, name, value) for name, value in zip(names, key, strict=True)
        )

    def _belongs(self, part: Staged, whole: Staged, key: str) -> str:
        """Which rows of a part belong to it: they name it, or a part that does."""
        ways = [self._equals(part.raw, name, key) for name in part.references(whole)]
        for other in self._catalog.parts(whole).values():
            if other is not part and (names := other.references(whole)) and len(part.references(other)) == 1:
                of_it = " or ".join(self._equals(other.raw, name, key) for name in names)
                ids = f"select {other.source.primary_key[-1]} from {other.raw} where {of_it}"
                ways.append(f"{part.references(other)[0]} in ({ids})")
        return f"({' or '.join(ways)})"

    def _refused(self, table: Staged, whole: Staged, key: Sequence[str], versions: Sequence[Row]) -> str:
        """A condition on `row_key`: the keys that raw knows, and those that begin with the key itself."""
        known = {row[KEY] for row in versions}
        if table is whole:
            known.add(self._text_key(table, key))
        ways = [f"row_key in ({', '.join(map(text, sorted(known)))})"] if known else []
        names = table.source.primary_key
        if table is not whole and names[0] in table.references(whole):
            begin = f"{names[0]}={key[0]}, "
            ways.append(f"left(row_key, {len(begin)}) = {text(begin)}")
        return " or ".join(ways) or "false"

    def _text_key(self, table: Staged, key: Sequence[str]) -> str:
        """As `stored_key` writes it, also of a row that raw does not have."""
        values = ", ".join(
            f"{text(value)} as {name}" for name, value in zip(table.source.primary_key, key, strict=True)
        )
        (row,) = self._query(
            f"select {stored_key(table.source)} as {KEY} from (select {values}) as given"
        ).to_pylist()
        return str(row[KEY])

    def _equals(self, relation: str, column: str, value: str) -> str:
        """A condition that a column has a value; written in its own type, so that the engine can prune."""
        kind = self._types(relation).get(column, "")
        if any(each in kind for each in ("int", "number", "decimal")):
            if not value.lstrip("-").isdecimal():
                raise UserError(f"'{value}' is no number, and {column} of {relation} is one.")
            return f"{column} = {value}"
        return (
            f"cast({column} as varchar) = {text(value)}"
            if "char" not in kind
            else f"{column} = {text(value)}"
        )

    def _types(self, relation: str) -> Mapping[str, str]:
        found = self._columns(relation)
        if not found:
            raise UserError(f"{relation} has not been built yet.")
        return found

    def _columns(self, relation: str) -> Mapping[str, str]:
        """The types of a table's columns; none if there is no such table."""
        schema, name = relation.split(".")
        rows = self._query(
            "select lower(column_name) as named, lower(data_type) as kind from information_schema.columns"
            f" where lower(table_schema) = '{schema}' and lower(table_name) = '{name}'"
        ).to_pylist()
        return {row["named"]: row["kind"] for row in rows}


def _staged_key(table: Staged) -> str:
    """The key of a raw row as quarantine writes it: by staging's names (`row_key` in macros/staging.sql)."""
    times = {each.name for each in table.source.columns if each.data_type == "timestamp"}
    parts = []
    for raw, staged in table.key:
        written = f"cast({raw} as varchar)"
        if raw in times:
            written = (
                f"case when {written} like '%.%' then rtrim(rtrim({written}, '0'), '.') else {written} end"
            )
        parts.append(f"'{staged}=' || {written}")
    return " || ', ' || ".join(parts)


def _held(table: Staged, row: Row, what: str, since: date | None, until: date | None) -> dict[str, Any]:
    return {
        "table": table.name,
        "key": PERSONAL if table.key_is_personal else row["row_key"],
        "what": what,
        "reason": row["reason"],
        "value": row.get("value"),
        "amount": row["amount"],
        "since": since,
        "until": until,
    }


def _told(name: str, versions: Sequence[Row], now: Sequence[Row], refused: Sequence[Row]) -> str:
    keys = len({row[KEY] for row in versions})
    parts = [
        f"{keys} row{'' if keys == 1 else 's'} in {len(versions)} version{'' if len(versions) == 1 else 's'}"
    ]
    if keys > len(now):
        parts.append(f"{keys - len(now)} of them gone")
    if refused:
        parts.append(f"{len(refused)} refused")
    return f"{name}: {', '.join(parts)}."


def _why(held: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for each in held:
        yield f"{each['key']}, {each['reason']}"
