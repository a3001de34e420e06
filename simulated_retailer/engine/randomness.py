"""Random numbers: an independent stream per purpose, so that no draw depends on the order of others."""

from __future__ import annotations

from hashlib import blake2b

import numpy as np
import pyarrow as pa

from simulated_retailer.engine.arrays import Ints


def random_stream(seed: int, purpose: str) -> np.random.Generator:
    """The random numbers for one `purpose` of the retailer with this `seed`."""
    key = int.from_bytes(blake2b(f"{seed}/{purpose}".encode(), digest_size=16).digest(), "little")
    return np.random.Generator(np.random.Philox(key=key))


def weighted(rng: np.random.Generator, weights: tuple[float, ...], size: int) -> Ints:
    """`size` positions in `weights`, drawn in proportion to the weights."""
    edges = np.cumsum(weights) / sum(weights)
    positions = np.searchsorted(edges, rng.random(size), side="right")
    return np.minimum(positions, len(weights) - 1).astype(np.int64)


def guids(seed: int, table: str, size: int) -> pa.Array:
    """`size` identifiers in the 8-4-4-4-12 form of SQL Server's rowguid."""
    text = np.frombuffer(
        random_stream(seed, f"rowguid of {table}").bytes(16 * size).hex().encode(), dtype="S1"
    ).reshape(size, 32)
    dashed = np.insert(text, [8, 12, 16, 20], b"-", axis=1)
    ends = np.arange(size + 1, dtype=np.int32) * 36
    return pa.StringArray.from_buffers(size, pa.py_buffer(ends), pa.py_buffer(dashed.tobytes()))
