"""Status documents are cut out of fio's output as it grows, whatever stands between them."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storperf.agent import documents
from storperf.agent.documents import DocumentSplitter

FIXTURES = Path(__file__).parents[2] / "fixtures" / "fio"

# How many documents each output holds; text instead of JSON holds none.
HOLDS = {
    "SIGUSR1-midrun.stdout": 2,
    "bad-ioengine.stdout": 0,
    "bad-option_parse-error.stdout": 0,
    "failed-job_open-error.stdout": 1,
    "jsonplus_status-interval1_concat.json": 4,
    "killed-SIGINT.stdout": 1,
    "killed-SIGTERM.stdout": 1,
    "mixed_one-ok-one-failed_enospc.stdout": 1,
    "numjobs4_group-reporting.json": 1,
    "numjobs4_no-group-reporting.json": 1,
    "psync-iodepth8-note-on-which-stream.json": 1,
    "single-job_randrw70.json": 1,
    "single-job_randrw70_status-interval1_concat.json": 5,
    "steadystate_iops_slope0.3pct.json": 1,
    "verify-error.stdout": 1,
}
SMALL = b'note: before\n{\n  "a" : {\n  }\n}\nfio: between\n\n{\n  "b" : 2\n}\nfio: after\n'


def split(*chunks):
    splitter = DocumentSplitter()
    found = [document for chunk in chunks for document in splitter.feed(chunk)]
    return found + splitter.finish(), splitter


def test_every_output_is_looked_at():
    outputs = {path.name for path in FIXTURES.iterdir() if path.suffix in (".json", ".stdout")}
    assert outputs == set(HOLDS)


@pytest.mark.parametrize("name", HOLDS)
def test_an_output_of_fio_holds_so_many_documents(name):
    content = (FIXTURES / name).read_bytes()
    found, splitter = split(content)
    assert (len(found), splitter.documents, splitter.rubbish) == (HOLDS[name], HOLDS[name], 0)
    assert all(document["fio version"] == "fio-3.33" for document in found)
    assert not any(line.startswith('"') for line in splitter.notes)


@pytest.mark.parametrize("name", HOLDS)
@pytest.mark.parametrize("size", [1, 7, 4096])
def test_the_size_of_the_pieces_does_not_matter(name, size):
    content = (FIXTURES / name).read_bytes()[: 60_000 * size]
    pieces = [content[at : at + size] for at in range(0, len(content), size)]
    found, splitter = split(*pieces)
    whole, of_whole = split(content)
    assert found == whole
    assert splitter.notes == of_whole.notes


@settings(max_examples=200)
@given(st.lists(st.integers(0, len(SMALL)), max_size=12))
def test_any_cutting_gives_the_same(cuts):
    edges = [0, *sorted(cuts), len(SMALL)]
    found, splitter = split(*(SMALL[a:b] for a, b in itertools.pairwise(edges)))
    assert found == [{"a": {}}, {"b": 2}]
    assert splitter.notes == ["note: before", "fio: between", "fio: after"]
    assert splitter.rubbish == 0


def test_a_document_is_given_as_soon_as_its_line_is_closed():
    splitter = DocumentSplitter()
    assert splitter.feed(b'{\n  "a" : 1\n}') == []
    assert splitter.feed(b"\n") == [{"a": 1}]


def test_a_last_document_without_a_newline_counts():
    assert split(b'{\n  "a" : 1\n}')[0] == [{"a": 1}]


def test_a_torn_last_document_is_rubbish_and_no_figures():
    found, splitter = split(b'{\n  "a" : 1\n}\n{\n  "a" : 2,\n  "b" : {\n')
    assert (found, splitter.rubbish) == ([{"a": 1}], 1)


def test_lines_may_end_as_on_windows():
    found, splitter = split(SMALL.replace(b"\n", b"\r\n"))
    assert found == [{"a": {}}, {"b": 2}]
    assert splitter.notes == ["note: before", "fio: between", "fio: after"]


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "nan", "-nan"])
def test_a_figure_that_is_no_number_makes_the_document_rubbish(value):
    found, splitter = split(f'{{\n  "mean" : {value}\n}}\n{{\n  "a" : 1\n}}\n'.encode())
    assert (found, splitter.rubbish) == ([{"a": 1}], 1)


def test_a_document_behind_rubbish_is_still_found():
    found, splitter = split(b"{ this is\nno JSON }\n}\n" + SMALL)
    assert found == [{"a": {}}, {"b": 2}]
    assert splitter.rubbish == 1


def test_notes_are_bounded():
    _, splitter = split(b"x" * 10_000 + b"\n" + b"note\n" * 5000, SMALL)
    assert len(splitter.notes) <= documents.MAX_NOTES
    assert max(map(len, splitter.notes)) <= 300


def test_output_without_an_end_is_dropped_and_not_kept_in_memory(monkeypatch):
    monkeypatch.setattr(documents, "MAX_DOCUMENT_BYTES", 1000)
    splitter = DocumentSplitter()
    for _ in range(20):
        assert splitter.feed(b"x" * 300) == []
    assert splitter.rubbish == 5
    assert splitter.feed(b"\n" + SMALL) == [{"a": {}}, {"b": 2}]


@given(st.binary(max_size=300))
def test_no_output_at_all_breaks_the_splitter(content):
    found, _ = split(content)
    assert all(isinstance(document, dict) for document in found)
    json.dumps(found)
