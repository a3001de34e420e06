"""Which of last week's segments a newly found cluster is: births, deaths, splits and mergers.

Clusters are matched all at once (the Hungarian method), by the overlap of their members (the Jaccard index).
With too small an overlap there is no match: the cluster is a new segment, and the old one has ended. Numbers
of segments are never reused.
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from retail_assets.segmentation.thresholds import Thresholds


@dataclass(frozen=True)
class Matched:
    """What became of last week's segments: `segments[i]` is cluster i's identity."""

    segments: tuple[int, ...]
    next_segment: int
    events: tuple[str, ...]
    """Births, deaths, splits and mergers, in words."""


def match(
    shared: np.ndarray,
    newcomers: np.ndarray,
    previous: tuple[int, ...],
    next_segment: int,
    thresholds: Thresholds,
) -> Matched:
    """Identities of new clusters.

    `shared[i, j]`: members of cluster i who were in `previous[j]` last week; `newcomers[i]`: those who were
    in none.
    """
    overlap = _overlap(shared, newcomers)
    rows, columns = linear_sum_assignment(-overlap)
    identity = {
        int(row): previous[column]
        for row, column in zip(rows, columns, strict=True)
        if overlap[row, column] >= thresholds.same_segment
    }
    events = []
    for row in range(len(shared)):
        if row not in identity:
            identity[row] = next_segment
            events.append(_birth(next_segment, row, shared, newcomers, previous, thresholds))
            next_segment += 1
    segments = tuple(identity[row] for row in range(len(shared)))
    for column, segment in enumerate(previous):
        if segment not in segments:
            events.append(_death(segment, shared[:, column], segments))
    return Matched(segments, next_segment, tuple(events))


def _overlap(shared: np.ndarray, newcomers: np.ndarray) -> np.ndarray:
    sizes = (shared.sum(axis=1) + newcomers)[:, None]
    either = sizes + shared.sum(axis=0)[None, :] - shared
    return np.asarray(shared / np.maximum(either, 1))


def _birth(
    segment: int,
    row: int,
    shared: np.ndarray,
    newcomers: np.ndarray,
    previous: tuple[int, ...],
    thresholds: Thresholds,
) -> str:
    members = shared[row]
    size = members.sum() + newcomers[row]
    if newcomers[row] * 2 >= size:
        return f"Segment {segment} was born; {newcomers[row]} of its {size} consumers were in no segment."
    column = int(members.argmax())
    taken = members[column] / shared[:, column].sum()
    if taken >= thresholds.split_share and members[column] * 2 >= size:
        return (
            f"Segment {segment} split off from segment {previous[column]}, with {taken:.0%} of its members."
        )
    return (
        f"Segment {segment} was born; {members[column] / size:.0%} of it was in segment {previous[column]}."
    )


def _death(segment: int, members: np.ndarray, segments: tuple[int, ...]) -> str:
    if not members.sum():
        return f"Segment {segment} died: nobody of it is left."
    row = int(members.argmax())
    return (
        f"Segment {segment} died; {members[row] / members.sum():.0%} of it went to segment {segments[row]}."
    )
