"""fio's buckets: names and places belong together."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from storperf.fio.buckets import PLACES_NS, places_of, values_of

FIXTURES = Path(__file__).parents[2] / "fixtures/fio"


def test_every_name_that_fio_prints_is_the_value_of_its_place():
    text = (FIXTURES / "jsonplus_status-interval1_concat.json").read_text()
    document, _ = json.JSONDecoder().raw_decode(text)
    names = np.array(sorted(map(int, document["jobs"][0]["read"]["clat_ns"]["bins"])))
    assert len(names) > 100
    assert values_of(places_of(names.astype(np.uint64))).tolist() == names.tolist()


def test_every_place_is_that_of_its_value():
    places = np.arange(PLACES_NS)
    values = values_of(places)
    assert np.all(np.diff(values) > 0)
    assert places_of(values.astype(np.uint64)).tolist() == places.tolist()


@given(st.integers(0, 17_179_869_183))
def test_a_value_lies_within_one_128th_of_its_buckets(value):
    (found,) = values_of(places_of(np.array([value], dtype=np.uint64))).tolist()
    assert abs(found - value) <= value / 128


def test_the_last_bucket_holds_all_above():
    values = np.array([2**34, 2**40, 2**52], dtype=np.uint64)
    assert places_of(values).tolist() == [PLACES_NS - 1] * 3
