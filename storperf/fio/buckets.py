"""fio's latency buckets: 64 an octave, each named by one value (stat.c, FIO_IO_U_PLAT_BITS 6).

The same numbers stand in json+ `bins` (names) and in histogram logs (places).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]

_BITS = 6
_AN_OCTAVE = 1 << _BITS
# Octaves of fio 2, which counts in us, and of fio 3, which counts in ns.
PLACES_US = 19 * _AN_OCTAVE
PLACES_NS = 29 * _AN_OCTAVE


def places_of(values: npt.NDArray[np.uint64], places: int = PLACES_NS) -> Ints:
    """The place of each value's bucket, 0 to `places` - 1: the last one holds all above it.

    Source: fio's plat_val_to_idx.
    """
    # The exponent of a double is the place of the highest bit, exactly below 2**53.
    octave = (np.frexp(values.astype(np.float64))[1] - 1 - _BITS).astype(np.int64)
    shift = np.maximum(octave, 0)
    found = (values.astype(np.int64) >> shift) + (shift << _BITS)
    return np.minimum(found, places - 1)


def values_of(places: npt.ArrayLike) -> Ints:
    """The value that fio prints for each bucket, in the unit of the places.

    Source: fio's plat_idx_to_val; the middle of the bucket, cut to a whole number.
    """
    place = np.asarray(places, dtype=np.int64)
    shift = np.maximum((place >> _BITS) - 1, 0)
    middles = ((place - (shift << _BITS)) << shift) + ((1 << shift) >> 1)
    return np.where(place < 2 * _AN_OCTAVE, place, middles)
