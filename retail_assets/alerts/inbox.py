"""The inbox: what is wrong and what was, and the messages about it, in one SQLite file in the home.

What a look at the deployment found, the messages about it and how far was looked are written in one
transaction; messages are sent afterwards. So a process that dies at any point loses none, and makes none
twice. Between the sending of a message and the note of it lies one commit: a process that dies just there
sends it once more, with the same number.
"""

import json
import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from retail_assets.alerts import messages
from retail_assets.alerts.delivery import RECOVERED, DeliveryError, Send
from retail_assets.alerts.incidents import Incident
from retail_assets.alerts.routes import Route
from retail_assets.errors import UserError

FILE = "alerts.sqlite"
# More messages than this at once to one destination are one message.
STORM = 5
BUSY_SECONDS = 30

_SCHEMA = (
    """
    create table if not exists incidents (
        id integer primary key,
        fingerprint text not null,
        incident text not null,
        opened_at real not null,
        last_at real not null,
        count integer not null,
        closed_at real,
        acknowledged_at real
    )
    """,
    "create unique index if not exists open_incidents on incidents (fingerprint) where closed_at is null",
    "create table if not exists mutes (fingerprint text primary key, until real not null)",
    """
    create table if not exists messages (
        id integer primary key,
        destination text not null,
        kind text not null,
        title text not null,
        body text not null,
        sent_at real,
        tries integer not null default 0,
        why text
    )
    """,
    "create table if not exists state (name text primary key, value text not null)",
)


@dataclass(frozen=True)
class Known:
    """An incident as the inbox has it."""

    number: int
    incident: Incident
    opened_at: float
    last_at: float
    count: int
    closed_at: float | None
    acknowledged_at: float | None
    muted_until: float | None

    @property
    def state(self) -> str:
        """What is to be done about it."""
        if self.closed_at:
            return "closed"
        if self.muted_until:
            return "muted"
        return "acknowledged" if self.acknowledged_at else "open"


class Inbox:
    """The inbox of a home. Each method is one transaction."""

    def __init__(self, home: Path):
        self._path = home / FILE

    def state(self) -> Mapping[str, Any]:
        """What the last look noted for the next one."""
        with self._transaction() as database:
            return {name: json.loads(value) for name, value in database.execute("select * from state")}

    def record(
        self,
        found: Sequence[Incident],
        over: Mapping[str, Collection[str]],
        routes: Sequence[Route],
        now: float,
        state: Mapping[str, Any],
    ) -> tuple[int, int]:
        """Note what a look found, in its order, and write the messages. Gives how many are new, and over.

        `over` are fingerprints with the partitions of the runs in which it was right.
        """
        with self._transaction() as database:
            new = [number for each in found if (number := _noted(database, each))]
            closed = [number for each in sorted(over) if (number := _closed(database, each, over[each], now))]
            wrong, right = (
                [known for each in numbers if not (known := _known(database, each, now)).muted_until]
                for numbers in (new, closed)
            )
            for destination in dict.fromkeys(route.to for route in routes):
                _write(database, destination, routes, wrong, right)
            database.executemany(
                "insert or replace into state values (?, ?)",
                [(name, json.dumps(value)) for name, value in state.items()],
            )
            return len(new), len(closed)

    def deliver(self, urls: Mapping[str, Sequence[str]], send: Send, now: float) -> Sequence[str]:
        """Send what has not been sent. Gives why messages were not taken; they are tried again."""
        with self._transaction() as database:
            waiting = database.execute(
                "select id, destination, kind, title, body from messages where sent_at is null order by id"
            ).fetchall()
        troubles: dict[str, str] = {}
        for number, destination, kind, title, body in waiting:
            # What one did not take it will not take now either.
            if destination in troubles:
                continue
            try:
                if destination not in urls:
                    raise DeliveryError(f"RETAIL_ALERT_URLS has no address of '{destination}' any more")
                send(urls[destination], title, body, kind)
            except DeliveryError as error:
                troubles[destination] = f"{destination}: {error}"
                self._note(number, "tries = tries + 1, why = ?", str(error))
            else:
                self._note(number, "tries = tries + 1, why = null, sent_at = ?", now)
        return list(troubles.values())

    def open(self, now: float, *, also_over: bool = False) -> Sequence[Known]:
        """What is wrong, the newest first; with what has recovered."""
        with self._transaction() as database:
            condition = "true" if also_over else "closed_at is null"
            numbers = database.execute(
                f"select id from incidents where {condition} order by id desc"
            ).fetchall()
            return [_known(database, number, now) for (number,) in numbers]

    def waiting(self) -> Sequence[tuple[str, str, str]]:
        """The messages that were not taken: to whom, what and why not."""
        with self._transaction() as database:
            return database.execute(
                "select destination, title, why from messages where sent_at is null and why is not null"
            ).fetchall()

    def known(self, number: int, now: float) -> Known:
        """One incident; raises `UserError` if there is none of this number."""
        with self._transaction() as database:
            return _known(database, number, now)

    def acknowledge(self, number: int, now: float) -> None:
        """Note that somebody is at it."""
        with self._transaction() as database:
            _known(database, number, now)
            database.execute("update incidents set acknowledged_at = ? where id = ?", (now, number))

    def close(self, number: int, now: float) -> None:
        """Note that nothing more is to be done about it. What happens from now on is news again."""
        with self._transaction() as database:
            if _known(database, number, now).closed_at is None:
                _close(database, number, now)

    def mute(self, number: int, until: float, now: float) -> None:
        """Send no messages about it until then, though it recovers and goes wrong again."""
        with self._transaction() as database:
            fingerprint = _known(database, number, now).incident.fingerprint
            database.execute("insert or replace into mutes values (?, ?)", (fingerprint, until))

    def _note(self, number: int, change: str, value: Any) -> None:
        with self._transaction() as database:
            database.execute(f"update messages set {change} where id = ?", (value, number))

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        database = sqlite3.connect(self._path, timeout=BUSY_SECONDS, isolation_level=None)
        try:
            database.execute("begin immediate")
            for statement in _SCHEMA:
                database.execute(statement)
            yield database
            database.execute("commit")
        finally:
            # What is not committed is rolled back.
            database.close()


def _noted(database: sqlite3.Connection, incident: Incident) -> int | None:
    """Note an incident; gives its number if it is a new one. One that is known is counted."""
    if known := _open(database, incident.fingerprint):
        number, before = known
        if not incident.is_event or {*incident.partitions} <= {*before.partitions}:
            database.execute(
                "update incidents set incident = ?, last_at = ?, count = count + 1 where id = ?",
                (json.dumps(asdict(incident.merged(before))), incident.seen_at, number),
            )
            return None
        # The same has happened in another partition, which is news.
        _close(database, number, incident.seen_at)
    return database.execute(
        "insert into incidents (incident, last_at, fingerprint, opened_at, count) values (?, ?, ?, ?, 1)",
        (json.dumps(asdict(incident)), incident.seen_at, incident.fingerprint, incident.seen_at),
    ).lastrowid


def _closed(
    database: sqlite3.Connection, fingerprint: str, passed: Collection[str], now: float
) -> int | None:
    """Close an incident if runs of these partitions have all of it; gives its number if that is news."""
    known = _open(database, fingerprint)
    if not known:
        return None
    number, incident = known
    left = incident.after(passed)
    if left and not incident.is_event:
        database.execute("update incidents set incident = ? where id = ?", (json.dumps(asdict(left)), number))
        return None
    _close(database, number, now)
    return None if incident.is_event else number


def _open(database: sqlite3.Connection, fingerprint: str) -> tuple[int, Incident] | None:
    row = database.execute(
        "select id, incident from incidents where fingerprint = ? and closed_at is null", (fingerprint,)
    ).fetchone()
    return (row[0], _incident(row[1])) if row else None


def _close(database: sqlite3.Connection, number: int, now: float) -> None:
    database.execute("update incidents set closed_at = ? where id = ?", (now, number))


def _incident(content: str) -> Incident:
    values = json.loads(content)
    listed = {name: tuple(values.get(name, ())) for name in ("tables", "pages", "partitions", "sources")}
    return Incident(**{**values, **listed})


def _known(database: sqlite3.Connection, number: int, now: float) -> Known:
    row = database.execute(
        """
        select incident, opened_at, last_at, count, closed_at, acknowledged_at, until
        from incidents left join mutes on mutes.fingerprint = incidents.fingerprint and until > ?
        where id = ?
        """,
        (now, number),
    ).fetchone()
    if not row:
        raise UserError(f"There is no alert {number}. `retail-assets alerts list --all` shows them.")
    return Known(number, _incident(row[0]), *row[1:])


def _write(
    database: sqlite3.Connection,
    destination: str,
    routes: Sequence[Route],
    new: Sequence[Known],
    over: Sequence[Known],
) -> None:
    """Write the messages to one destination: one each, or one for all of a storm."""

    def comes(known: Known) -> bool:
        return any(route.to == destination and route.takes(known.incident) for route in routes)

    new, over = [each for each in new if comes(each)], [each for each in over if comes(each)]
    written: list[tuple[str, str, str]] = []
    if len(new) + len(over) > STORM:
        worst = "error" if any(each.incident.severity == "error" for each in new) else "warning"
        title, body = messages.digest(
            *([(each.number, each.incident) for each in some] for some in (new, over))
        )
        written = [(worst if new else RECOVERED, title, body)]
    else:
        written += [(each.incident.severity, *messages.opened(each.incident, each.number)) for each in new]
        written += [
            (
                RECOVERED,
                *messages.recovered(
                    each.incident, each.number, each.opened_at, each.closed_at or each.last_at, each.count
                ),
            )
            for each in over
        ]
    database.executemany(
        "insert into messages (destination, kind, title, body) values (?, ?, ?, ?)",
        [(destination, *message) for message in written],
    )
