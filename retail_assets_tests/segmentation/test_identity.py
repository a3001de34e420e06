"""Segments keep their numbers from week to week, whatever a new clustering calls them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retail_assets.segmentation.drift import psi
from retail_assets.segmentation.identity import match
from retail_assets.segmentation.thresholds import THRESHOLDS


def matched(shared, newcomers=None, previous=(1, 2, 3), next_segment=4):
    shared = np.array(shared)
    return match(shared, np.array(newcomers or [0] * len(shared)), previous, next_segment, THRESHOLDS)


@given(st.permutations(range(5)), st.lists(st.integers(50, 500), min_size=5, max_size=5), st.integers(0, 8))
def test_the_same_people_keep_their_number_in_any_order(order, sizes, moved):
    shared = np.full((5, 5), moved)
    for row, column in enumerate(order):
        shared[row, column] = sizes[column]
    found = match(shared, np.zeros(5, int), (2, 3, 5, 7, 11), 12, THRESHOLDS)
    assert found.segments == tuple((2, 3, 5, 7, 11)[column] for column in order)
    assert found.events == ()
    assert found.next_segment == 12


def test_a_cluster_of_newcomers_is_born():
    found = matched([[90, 0, 0], [0, 80, 0], [0, 0, 70], [1, 1, 0]], [0, 0, 0, 60])
    assert found.segments == (1, 2, 3, 4)
    assert found.next_segment == 5
    assert found.events == ("Segment 4 was born; 60 of its 62 consumers were in no segment.",)


def test_a_split_is_said():
    found = matched([[60, 0, 0], [0, 80, 0], [0, 0, 70], [40, 0, 0]])
    assert found.segments == (1, 2, 3, 4)
    assert found.events == ("Segment 4 split off from segment 1, with 40% of its members.",)


def test_a_death_is_said_and_its_number_is_never_used_again():
    found = matched([[90, 0, 65], [0, 80, 5]])
    assert found.segments == (1, 2)
    assert found.next_segment == 4
    assert found.events == ("Segment 3 died; 93% of it went to segment 1.",)


def test_too_small_an_overlap_is_no_match():
    found = matched([[10, 0, 0], [0, 80, 0], [0, 0, 70]], [300, 0, 0])
    assert found.segments == (4, 2, 3)
    assert any("Segment 1 died" in event for event in found.events)


shares = st.lists(st.floats(0, 1), min_size=4, max_size=4).filter(any)


@given(shares, shares)
def test_the_stability_index_is_none_for_the_same_and_never_negative(then, now):
    one, other = np.array(then) / sum(then), np.array(now) / sum(now)
    assert psi(one, one) == 0
    assert psi(one, other) >= 0
    assert psi(one, other) == pytest.approx(psi(other, one))
