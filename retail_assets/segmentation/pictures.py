"""Pictures of a week, as PNG: choice of the number of segments, projection, profile heat map, migration."""

import base64
import io
from collections.abc import Callable
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from retail_assets.segmentation.features import NO_PURCHASE, NUMBERS
from retail_assets.segmentation.weekly import Week

_SHOWN = 2_000
_DPI = 80
_COLOURS = matplotlib.colormaps["tab10"]

Picture = tuple[str, bytes]
"""Caption and PNG."""


def pictures(week: Week) -> dict[str, Picture]:
    """Those that there is something to show of."""
    segments = len(week.profiles.deviations)
    drawers: dict[str, tuple[str, Callable[[Week, Axes], None], tuple[float, float], bool]] = {
        "choice": (
            f"Why {len(week.model.segments)} segments: {week.model.choice['reason']}",
            _draw_choice, (6.4, 3.4), bool(week.model.choice["trials"]),
        ),
        "projection": (
            "Consumers on the two directions in which they differ most.",
            _draw_projection, (6.4, 4.4), len(week.sample) > 2 and bool(week.model.columns),
        ),
        "heat map": (
            "Segments against the average of all who have bought, in standard deviations.",
            _draw_heat_map, (9.0, 0.5 * segments + 2.6), segments > 1,
        ),
        "migration": (
            "Where last week's consumers are now.",
            _draw_migration, (6.4, 4.4), bool(week.profiles.migration),
        ),
    }  # fmt: skip
    return {
        name: (caption, _png(week, draw, size))
        for name, (caption, draw, size, is_shown) in drawers.items()
        if is_shown
    }


def embedded(png: bytes) -> str:
    """A picture as an address that contains it."""
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"


def _png(week: Week, draw: Callable[[Week, Axes], None], size: tuple[float, float]) -> bytes:
    figure = Figure(figsize=size, dpi=_DPI, layout="constrained")
    draw(week, figure.subplots())
    file = io.BytesIO()
    # `savefig` would draw everything twice.
    FigureCanvasAgg(figure).print_png(file)
    return file.getvalue()


def _draw_choice(week: Week, axes: Axes) -> None:
    trials = week.model.choice["trials"]
    numbers = [trial["segments"] for trial in trials]
    for measure, name in (("silhouette", "silhouette"), ("stability", "stability")):
        axes.plot(numbers, [trial[measure] for trial in trials], marker="o", label=f"{name} (high is good)")
    axes.set_xlabel("number of segments")
    axes.set_xticks(numbers)
    axes.set_ylim(0, 1.05)
    axes.axvline(week.model.choice["segments"], color="grey", linestyle=":")
    other = axes.twinx()
    other.plot(
        numbers, [trial["davies_bouldin"] for trial in trials], marker="s", color="tab:red",
        label="Davies-Bouldin (low is good)",
    )  # fmt: skip
    other.set_ylim(bottom=0)
    handles = [*axes.get_lines()[:2], *other.get_lines()]
    axes.legend(handles=handles, fontsize=8, loc="best")


def _draw_projection(week: Week, axes: Axes) -> None:
    sample = week.sample.head(_SHOWN)
    points = week.model.prepared(sample)
    segments = week.model.assign(sample).segment
    centred = points - points.mean(axis=0)
    _, _, directions = np.linalg.svd(centred, full_matrices=False)
    flat = centred @ directions[:2].T
    if flat.shape[1] == 1:
        flat = np.column_stack([flat, np.zeros(len(flat))])
    for position, segment in enumerate(week.model.segments):
        mine = segments == segment
        axes.scatter(
            flat[mine, 0],
            flat[mine, 1],
            s=6,
            alpha=0.6,
            color=_COLOURS(position % 10),
            label=_label(week, segment),
        )
    axes.set_xticks([])
    axes.set_yticks([])
    axes.legend(fontsize=7, markerscale=2, loc="best")


def _draw_heat_map(week: Week, axes: Axes) -> None:
    segments = sorted(week.profiles.deviations)
    values = np.array([[week.profiles.deviations[s][each.name] for each in NUMBERS] for s in segments])
    shown = np.flatnonzero(np.abs(values).max(axis=0) > 0)
    values = values[:, shown]
    axes.imshow(values, cmap="RdBu_r", vmin=-2, vmax=2, aspect="auto")
    names = [NUMBERS[position].name.replace("_", " ") for position in shown]
    axes.set_xticks(range(len(names)), names, rotation=55, ha="right", fontsize=8)
    axes.set_yticks(range(len(segments)), [_label(week, segment) for segment in segments], fontsize=8)
    for row, column in np.ndindex(values.shape):
        dark = abs(values[row, column]) > 1.2
        axes.text(
            column, row, f"{values[row, column]:z.1f}", ha="center", va="center", fontsize=7,
            color="white" if dark else "black",
        )  # fmt: skip


def _draw_migration(week: Week, axes: Axes) -> None:
    migration = week.profiles.migration
    before = _ordered({pair[0] for pair in migration})
    now = _ordered({pair[1] for pair in migration})
    counts = np.array([[migration.get((row, column), 0) for column in now] for row in before])
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    axes.set_xticks(range(len(now)), ["gone" if s is None else f"{s}" for s in now])
    axes.set_yticks(range(len(before)), ["new" if s is None else _label(week, s) for s in before], fontsize=8)
    axes.set_xlabel("segment this week")
    axes.set_ylabel("segment last week")
    for row, column in np.ndindex(counts.shape):
        if counts[row, column]:
            dark = shares[row, column] > 0.6
            axes.text(
                column, row, f"{counts[row, column]:,}", ha="center", va="center", fontsize=8,
                color="white" if dark else "black",
            )  # fmt: skip


def _ordered(segments: set[Any]) -> list[Any]:
    """Ascending, who is in none last."""
    return sorted(segments, key=lambda segment: (segment is None, segment))


def _label(week: Week, segment: int) -> str:
    name = week.model.names.get(segment, "no purchase yet" if segment == NO_PURCHASE else "died")
    return f"{segment} {name}"
