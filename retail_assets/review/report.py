"""A review as Markdown, for a pull request, and the same as a page of HTML."""

import re
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from html import escape
from pathlib import Path
from typing import Any

from retail_assets.review.differences import Example, Sum, TableDifference
from retail_assets.review.review import Review

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem; }
table { border-collapse: collapse; margin: 1rem 0; }
td, th { border: 1px solid #ccc; padding: .2rem .6rem; text-align: left; }
code { background: #f3f3f3; padding: 0 .2rem; }
"""
# Models that took the longest.
_SLOWEST = 15
_KEY_COLUMNS = 6


def write(found: Review, folder: Path) -> Path:
    """Write both into a folder; the path of the Markdown."""
    folder.mkdir(parents=True, exist_ok=True)
    text = markdown(found)
    (folder / "review.md").write_text(text, encoding="utf-8")
    (folder / "review.html").write_text(html(text), encoding="utf-8")
    return folder / "review.md"


def html(text: str) -> str:
    """A page that needs nothing beside it."""
    from markdown_it import MarkdownIt

    body = MarkdownIt("commonmark", {"html": False}).enable("table").render(text)
    head = f'<meta charset="utf-8"><title>Review</title><style>{_STYLE}</style>'
    return f'<!doctype html><html lang="en"><head>{head}</head><body>{body}</body></html>\n'


def summary(found: Review) -> str:
    """One sentence."""
    differ = len(found.compared.differences)
    if found.after.errors:
        return "The working tree could not be built."
    checks = len(found.newly_failed)
    more = f", {_counted(checks, 'check')} failed that did not before" if checks else ""
    return f"{_counted(found.compared.tables, 'table')} compared, {differ} differ{more}."


def markdown(found: Review) -> str:
    """The whole report."""
    parts = [
        f"# Review against {found.against}",
        f"{summary(found)} Days that were run: {found.first} to {found.last};"
        f" the tables go until {found.newest}.",
        *(f"**{note}**" for note in found.notes),
        *_errors(found),
        *_to_deploy(found),
    ]
    if not found.after.errors:
        parts += [
            *_columns(found.compared.differences),
            *_rows(found.compared.differences),
            *_checks(found),
            *_pages(found),
            *_seconds(found),
        ]
    return "\n\n".join(parts) + "\n"


def _errors(found: Review) -> Iterator[str]:
    if found.after.errors:
        yield "## What could not be built"
        for error in found.after.errors:
            yield "```\n" + error.replace("```", "'''") + "\n```"


def _to_deploy(found: Review) -> Iterator[str]:
    yield "## What it takes to deploy"
    lines = list(found.plan.lines())
    if not lines:
        yield "Nothing is rebuilt: the next run builds with the new code."
        return
    yield "\n".join(f"- {_text(line)}" for line in lines)
    if found.after.errors:
        return
    if found.plan.until:
        yield "Daily models are rebuilt from the retailer's first day."
    yield (
        f"It took {found.upgrade_seconds:.0f} s here. The next run does it by itself, or"
        " `retail-assets upgrade` at once. Readers see the former tables until it is done. The former code,"
        " deployed again, takes it back in the same way."
    )


def _columns(differences: Sequence[TableDifference]) -> Iterator[str]:
    rows = [row for each in differences for row in _columns_of(each)]
    if rows:
        yield "## Columns"
        yield _table(("table", "column", "before", "after"), rows)


def _columns_of(each: TableDifference) -> Iterator[Sequence[Any]]:
    if each.is_new:
        yield each.table, "(the table)", "none", f"new, {each.rows_after:,} rows"
    if each.is_gone:
        yield each.table, "(the table)", f"{each.rows_before:,} rows", "dropped"
    yield from ((each.table, name, "none", f"added, {kind}") for name, kind in each.added.items())
    yield from ((each.table, name, kind, "dropped") for name, kind in each.dropped.items())
    yield from ((each.table, name, *kinds) for name, kinds in each.retyped.items())


def _rows(differences: Sequence[TableDifference]) -> Iterator[str]:
    others = [each for each in differences if each.has_other_rows]
    yield "## Rows and sums"
    if not others:
        yield "No row differs in the columns that both have."
        return
    yield _table(
        ("table", "rows before", "rows after", "changed", "added", "removed"),
        (
            (
                each.table,
                each.rows_before,
                each.rows_after,
                each.changed_rows,
                each.added_rows,
                each.removed_rows,
            )
            for each in others
        ),
    )
    for each in others:
        yield f"### {each.table}"
        if each.sums:
            yield _table(("sum of", "before", "after", "difference"), map(_sum, each.sums))
        if each.days:
            yield f"By `{each.day_column}`, the newest first:"
            yield _table(
                ("day", "rows before", "rows after", "what differs"),
                (
                    (day.day, day.rows_before, day.rows_after, "; ".join(map(_short, day.sums)))
                    for day in each.days
                ),
            )
        if each.more_days:
            yield f"And {_counted(each.more_days, 'earlier day')}."
        if each.examples:
            yield "Examples:"
            yield "\n".join(f"- {_example(example)}" for example in each.examples)


def _sum(each: Sum) -> Sequence[Any]:
    known = each.before is not None and each.after is not None
    return (each.column, each.before, each.after, each.after - each.before if known else "")


def _short(each: Sum) -> str:
    return f"{each.column} {_value(each.before)} → {_value(each.after)}"


def _example(example: Example) -> str:
    key = ", ".join(f"{name} {_value(value)}" for name, value in [*example.key.items()][:_KEY_COLUMNS])
    values = "; ".join(map(_short, example.values))
    return _text(f"{example.what}: {key}{': ' if values else ''}{values}")


def _checks(found: Review) -> Iterator[str]:
    yield "## Checks"
    if found.run_seconds is None:
        yield "None were run: no model changes."
    elif not found.after.failed:
        yield "All checks of what was run hold."
    if found.after.failed:
        is_known = found.before is not None
        new = found.newly_failed
        rows = (
            (name, said, ("before too" if name not in new else "new") if is_known else "not known")
            for name, said in sorted(found.after.failed.items())
        )
        yield _table(("check", "says", "did it fail before"), rows)
    if found.before and (mended := sorted(found.before.failed.keys() - found.after.failed.keys())):
        yield f"Failed before, and hold now: {_text(', '.join(mended))}."


def _pages(found: Review) -> Iterator[str]:
    yield "## Pages"
    if not found.pages:
        yield "No page of the dashboards shows anything else."
        return
    yield _table(
        ("page", "because of"),
        ((page, ", ".join(tables) or "its own file") for page, tables in found.pages.items()),
    )


def _seconds(found: Review) -> Iterator[str]:
    if found.run_seconds is None:
        return
    yield "## Seconds"
    before, after = found.run_seconds
    known = found.before.seconds if found.before else {}
    rows: list[Sequence[Any]] = [("the whole run", _rounded(before), _rounded(after))]
    slowest = sorted(found.after.seconds, key=lambda name: -found.after.seconds[name])[:_SLOWEST]
    rows += [(name, _rounded(known.get(name)), _rounded(found.after.seconds[name])) for name in slowest]
    yield f"Of running {found.first} to {found.last}, without the sources; single models as dbt says."
    yield _table(("what", "before", "after"), rows)


def _rounded(seconds: float | None) -> str:
    return "not run" if seconds is None else f"{seconds:.1f}"


def _table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(_text(_value(cell)) for cell in line)} |" for line in lines)


def _value(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return f"{value:,}"
    return f"{value:,.6g}" if isinstance(value, float) else str(value) or "''"


def _text(text: str) -> str:
    """Text in which nothing is Markdown's: values come from the sources."""
    return re.sub(r"([\\|*`\[])", r"\\\1", " ".join(escape(text, quote=False).split()))


def _counted(number: int, name: str) -> str:
    return f"{number:,} {name}{'' if number == 1 else 's'}"
