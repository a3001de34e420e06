"""A week's report as one HTML file that needs nothing else, and the profile table in Markdown."""

import html
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from retail_assets.segmentation.pictures import Picture, embedded
from retail_assets.segmentation.weekly import Week
from retail_assets.segmentation.wording import left_out
from retail_assets.weekly_assets import Finding

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #222; max-width: 62rem;
       margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .4rem .6rem; border-bottom: 1px solid #ddd; }
td.number, th.number { text-align: right; white-space: nowrap; }
figure { margin: 2rem 0; } figcaption { color: #555; } img { max-width: 100%; }
.missed { color: #a40000; font-weight: 600; }
@media (max-width: 48rem) {
  thead { display: none; } tr { display: block; padding: .6rem 0; border-bottom: 1px solid #ddd; }
  td, td.number { display: block; padding: .1rem 0; border: 0; text-align: left; }
  td[data-label]:not(:empty)::before { content: attr(data-label) ": "; color: #555; }
}
"""

_COLUMNS = {
    "segment": "", "segment_name": "segment", "description": "what they are like",
    "consumers": "consumers", "consumer_share": "share", "revenue_share": "of revenue",
    "margin_share": "of margin", "migration": "since last week", "suggested_action": "what marketing may do",
}  # fmt: skip
_NUMBERS = {"segment", "consumers", "consumer_share", "revenue_share", "margin_share"}


def decided(week: Week) -> str:
    """Whether and why the week was retrained, in a sentence."""
    if week.decision.retrain:
        return f"Retrained. {' '.join(week.decision.reasons)}"
    return f"Scored with the model of {week.model.trained_week}: nothing has moved enough to retrain."


def profile_table(week: Week) -> str:
    """The profiles in Markdown."""
    lines = [
        "| " + " | ".join(_COLUMNS.values()) + " |",
        "|" + "".join(" ---: |" if name in _NUMBERS else " --- |" for name in _COLUMNS),
    ]
    for row in week.profiles.rows:
        cells = [cell(row, name).replace("|", "/") for name in _COLUMNS]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def cell(row: Mapping[str, Any], name: str) -> str:
    """A value of a profile as a person reads it."""
    value = row[name]
    if value is None:
        return ""
    if name.endswith("_share"):
        return f"{float(value):.1%}"
    return f"{value:,}" if name == "consumers" else str(value)


def write_report(folder: Path, week: Week, pictures: Mapping[str, Picture], findings: list[Finding]) -> Path:
    """Write `<folder>/segments-<week>.html`, which appears whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"segments-{week.week}.html"
    unfinished = path.with_suffix(f".{os.getpid()}.tmp")
    unfinished.write_text(_page(week, pictures, findings), encoding="utf-8")
    unfinished.replace(path)
    return path


def _page(week: Week, pictures: Mapping[str, Picture], findings: list[Finding]) -> str:
    title = f"Customer segments, week of {week.week}"
    events = "".join(f"<li>{html.escape(event)}</li>" for event in week.events)
    parts = [
        f"<h1>{title}</h1>",
        f"<p>{html.escape(decided(week))} {html.escape(left_out(week.model.left_out))}</p>",
        f"<ul>{events}</ul>" if events else "",
        _table(week),
        *(
            f'<figure><img src="{embedded(png)}" alt="{html.escape(name)}">'
            f"<figcaption>{html.escape(caption)}</figcaption></figure>"
            for name, (caption, png) in pictures.items()
        ),
        "<h2>Checks</h2>",
        _findings(findings),
    ]
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{_STYLE}</style></head><body>{''.join(parts)}</body></html>\n"
    )


def _table(week: Week) -> str:
    head = "".join(f"<th{_class(name)}>{label}</th>" for name, label in _COLUMNS.items())
    rows = "".join(
        "<tr>"
        + "".join(
            f"<td{_class(name)}{_label(label)}>{html.escape(cell(row, name))}</td>"
            for name, label in _COLUMNS.items()
        )
        + "</tr>"
        for row in week.profiles.rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _findings(findings: list[Finding]) -> str:
    rows = "".join(
        f"<tr><td>{finding.check}</td>"
        + ("<td>passed</td>" if finding.passed else '<td class="missed">missed</td>')
        + f"<td>{html.escape(finding.text)}</td></tr>"
        for finding in findings
    )
    return f"<table><tbody>{rows}</tbody></table>"


def _label(label: str) -> str:
    """The column's heading where the cells stand one below the other."""
    return f' data-label="{label}"' if label else ""


def _class(name: str) -> str:
    return ' class="number"' if name in _NUMBERS else ""
