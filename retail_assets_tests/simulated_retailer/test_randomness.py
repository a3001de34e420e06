"""Seeded values."""

import uuid

import pyarrow as pa

from simulated_retailer.engine.randomness import guids


def test_guids_of_a_million_rows_are_one_array_of_distinct_identifiers():
    found = guids(5, "Customer", 1_000_000)
    assert isinstance(found, pa.Array)
    assert len(found.unique()) == 1_000_000
    assert all(str(uuid.UUID(text)) == text for text in found[:100].to_pylist())
