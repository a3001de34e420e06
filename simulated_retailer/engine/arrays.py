"""Arrays of one value per row: NumPy to compute with, Arrow for the columns of tables."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


def pick(pool: tuple[str | None, ...] | list[str], positions: Ints) -> pa.Array:
    """The texts at the given positions of a pool."""
    return pa.array(pool, pa.string()).take(pa.array(positions))


def label(pool: tuple[str, ...] | list[str] | pa.Array, positions: Ints) -> pa.Array:
    """The same, dictionary-encoded, which takes less room."""
    texts = pool if isinstance(pool, pa.Array) else pa.array(pool, pa.string())
    return pa.DictionaryArray.from_arrays(pa.array(positions.astype(np.int32)), texts)


def decimals(units: Ints, kind: pa.DataType) -> pa.Array:
    """Whole numbers of a decimal's last digit, sign-extended to the 128 bits that Arrow stores."""
    words = np.empty((len(units), 2), dtype=np.int64)
    words[:, 0] = units
    words[:, 1] = units >> 63
    return pa.Array.from_buffers(kind, len(units), [None, pa.py_buffer(words)])
