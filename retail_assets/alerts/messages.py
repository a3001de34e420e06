"""An incident in words."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from retail_assets.alerts.incidents import Incident

# Of a list in a message so many are named.
NAMED = 5
LINES_OF_DIGEST = 20


def opened(incident: Incident, number: int) -> tuple[str, str]:
    """Title and text of the message when something goes wrong."""
    return f"{incident.severity.capitalize()}: {incident.title}", "\n".join(_lines(incident, number))


def recovered(
    incident: Incident, number: int, opened_at: float, closed_at: float, count: int
) -> tuple[str, str]:
    """Title and text of the message when it is right again."""
    times = f", seen {count:,} times" if count > 1 else ""
    lines = [
        f"It is right again, after {_duration(closed_at - opened_at)}{times}.",
        f"It was: {incident.text}",
    ]
    return f"Recovered: {incident.title}", "\n".join([*lines, *_end(incident, number)])


def digest(new: Sequence[tuple[int, Incident]], over: Sequence[tuple[int, Incident]]) -> tuple[str, str]:
    """Title and text of one message for many, each with its number."""
    parts = [f"{len(new)} new" if new else "", f"{len(over)} recovered" if over else ""]
    lines = [
        *(f"{each.severity}: {_short(each)} ({each.owner}, alert {number})" for number, each in new),
        *(f"recovered: {each.title} (alert {number})" for number, each in over),
    ]
    more = len(lines) - LINES_OF_DIGEST
    shown = [*lines[:LINES_OF_DIGEST], *([f"... and {more} more"] if more > 0 else [])]
    return f"{' and '.join(filter(None, parts))} at once", "\n".join(
        [
            *shown,
            "",
            "Rows, and what to do: retail-assets alerts show NUMBER. All of them: retail-assets alerts list",
        ]
    )


def moment(seconds: float) -> str:
    """A time as messages have it."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M} UTC"


def _short(incident: Incident) -> str:
    return f"{incident.title}: {incident.text.splitlines()[0] if incident.text else ''}"


def _lines(incident: Incident, number: int) -> Iterator[str]:
    yield incident.text
    partitions = incident.partitions or (incident.partition,) if incident.partition else ()
    of = f", partition {named(partitions)}" if partitions else ""
    yield f"Seen: {moment(incident.seen_at)}{of}"
    if incident.tables:
        yield f"Tables made of it: {named(incident.tables)}"
    if incident.pages:
        yield f"Pages that show it: {named(incident.pages)}"
    if incident.sources:
        yield f"Comes from: {named(incident.sources)}"
    if incident.rows:
        yield f"Rows:\n{incident.rows}"
    if incident.remedy:
        yield f"What to do: {incident.remedy}"
    yield from _end(incident, number)


def _end(incident: Incident, number: int) -> Iterator[str]:
    if incident.link:
        yield incident.link
    yield f"Owner: {incident.owner}. Alert {number}."


def named(names: Sequence[str]) -> str:
    """The first few, and how many more there are."""
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


def _duration(seconds: float) -> str:
    minutes = max(round(seconds / 60), 1)
    if minutes < 120:
        return f"{minutes} minute{'' if minutes == 1 else 's'}"
    hours = round(minutes / 60)
    return f"{hours} hours" if hours < 48 else f"{round(hours / 24)} days"
