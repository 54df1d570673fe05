"""fio's status documents: every figure, nothing from rubbish, the same as the agent reads."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storperf.agent.documents import DocumentSplitter
from storperf.fio.parse import Document, Rubbish, iter_documents, parse_documents
from storperf.fio.walk import Note

FIXTURES = Path(__file__).parents[2] / "fixtures/fio"
OUTPUTS = sorted(path for path in FIXTURES.iterdir() if path.suffix in {".json", ".stdout"})
JSONPLUS = (FIXTURES / "jsonplus_status-interval1_concat.json").read_bytes()


def read(name):
    return parse_documents((FIXTURES / name).read_bytes())


def test_every_figure_of_a_json_plus_document_is_read():
    output = parse_documents(JSONPLUS)
    assert len(output.documents) == 4
    assert output.notes == ()
    assert output.rubbish == ()
    first = output.documents[0]
    assert (first.version, first.timestamp_ms) == ("fio-3.33", 1795313098858)
    (job,) = first.jobs
    assert (job.name, job.error, job.elapsed_s) == ("jp", 0, 1)
    assert (job.read.bytes, job.read.ios, job.read.runtime_ms) == (73531392, 17958, 897)
    clat = job.read.clat
    assert (clat.min_ns, clat.max_ns, clat.count) == (80, 143964, 17958)
    assert (clat.mean_ns, clat.stddev_ns) == (495.528956, 2763.444263)
    assert job.read.slat.mean_ns == 118.969317
    assert (clat.bins[80], clat.bins[524]) == (104, 91)
    assert job.trim.ios == 0
    assert job.trim.clat.bins == {}


def test_bins_sum_up_to_the_samples_in_each_document():
    for document in parse_documents(JSONPLUS).documents:
        for direction in (document.jobs[0].read, document.jobs[0].write):
            assert sum(direction.clat.bins.values()) == direction.clat.count


def test_counters_only_grow():
    totals = [document.total_ios for document in parse_documents(JSONPLUS).documents]
    assert totals == sorted(totals)
    assert totals[0] > 0
    assert len(set(totals)) == 4


@pytest.mark.parametrize("path", OUTPUTS, ids=lambda path: path.name)
def test_the_agents_reader_sees_the_same(path):
    output = path.read_bytes()
    splitter = DocumentSplitter()
    agents = splitter.feed(output) + splitter.finish()
    ours = parse_documents(output)
    assert len(ours.documents) == len(agents)
    for document, other in zip(ours.documents, agents, strict=True):
        assert document.timestamp_ms == other["timestamp_ms"]
        for job, its in zip(document.jobs, other["jobs"], strict=True):
            assert job.error == its["error"]
            for op in ("read", "write", "trim"):
                direction, figures = getattr(job, op), its[op]
                assert direction.ios == figures["total_ios"]
                assert direction.bytes == figures["io_bytes"]
                assert direction.runtime_ms == figures["runtime"]
                for key in ("slat", "clat", "lat"):
                    latency, said = getattr(direction, key), figures[f"{key}_ns"]
                    assert latency.mean_ns == said["mean"]
                    assert latency.count == said["N"]
                    assert latency.bins == {int(k): v for k, v in said.get("bins", {}).items()}
    assert len(ours.rubbish) == splitter.rubbish


@pytest.mark.parametrize(
    ("name", "documents", "note"),
    [
        ("psync-iodepth8-note-on-which-stream.json", 1, "note: both iodepth >= 1"),
        ("killed-SIGINT.stdout", 1, "fio: terminating on signal 2"),
        ("mixed_one-ok-one-failed_enospc.stdout", 1, "fio: pid=888, err=28"),
        ("verify-error.stdout", 1, "fio: pid=31230, err=84"),
        ("bad-ioengine.stdout", 0, "fio: file:ioengines.c:134"),
        ("bad-option_parse-error.stdout", 0, "valid values: read"),
    ],
)
def test_text_around_documents_is_kept_apart(name, documents, note):
    output = read(name)
    assert len(output.documents) == documents
    assert output.notes[0].startswith(note)
    assert output.rubbish == ()


def test_errors_of_all_fio_jobs_are_read():
    assert read("mixed_one-ok-one-failed_enospc.stdout").documents[-1].errors == (0, 28)
    assert read("verify-error.stdout").documents[-1].errors == (84,)


@pytest.mark.parametrize("cut", [1, 2, 100, 5000, len(JSONPLUS) // 4])
def test_a_cut_off_document_is_reported_and_gives_no_figures(cut):
    output = parse_documents(JSONPLUS[: -cut - 2])
    assert len(output.documents) == 3 if cut < len(JSONPLUS) // 5 else len(output.documents) < 4
    (rubbish,) = output.rubbish
    assert rubbish.is_cut_off
    assert JSONPLUS[rubbish.offset :].startswith(b"{\n")


def test_the_last_newline_may_be_missing():
    assert len(parse_documents(JSONPLUS.rstrip(b"\n")).documents) == 4


def test_a_document_that_begins_inside_another_cuts_it_off():
    start = JSONPLUS.index(b"\n}\n") + 3
    output = parse_documents(JSONPLUS[:400] + b"\n" + JSONPLUS[start:])
    assert len(output.documents) == 3
    assert [rubbish.is_cut_off for rubbish in output.rubbish] == [True]


def test_parts_come_in_order():
    parts = list(iter_documents(b"before\n" + JSONPLUS + b"after\n{\n  broken\n}\nend"))
    kinds = [type(part) for part in parts]
    assert kinds == [Note, *[Document] * 4, Note, Rubbish, Note]
    assert [part.text for part in parts if isinstance(part, Note)] == ["before", "after", "end"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"mean" : 495.528956', b'"mean" : nan'),
        (b'"mean" : 495.528956', b'"mean" : NaN'),
        (b'"mean" : 495.528956', b'"mean" : inf'),
        (b'"mean" : 495.528956', b'"mean" : 1e999'),
        (b'"mean" : 495.528956', b'"mean" : null'),
        (b'"total_ios" : 17958', b'"total_ios" : -1'),
        (b'"total_ios" : 17958', b'"total_ios" : 1.5'),
        (b'"total_ios" : 17958', b'"total_ios" : "17958"'),
        (b'"total_ios" : 17958,', b""),
        (b'"80" : 104', b'"80" : -1'),
        (b'"80" : 104', b'"-80" : 104'),
        (b'"80" : 104', b'"x" : 104'),
        (b'"jobs" : [', b'"client_stats" : ['),
        (b'"clat_ns"', b'"clat"'),
        (b'"jobname" : "jp"', b'"jobname" : "\xff"'),
    ],
)
def test_a_figure_that_cannot_be_makes_rubbish_of_its_document(old, new):
    assert old in JSONPLUS
    output = parse_documents(JSONPLUS.replace(old, new, 1))
    assert len(output.documents) == 3
    assert len(output.rubbish) == 1
    assert not output.rubbish[0].is_cut_off
    assert output.rubbish[0].reason


def test_nothing_gives_nothing():
    output = parse_documents(b"")
    assert (output.documents, output.notes, output.rubbish) == ((), (), ())


@given(st.binary(max_size=300))
def test_any_bytes_are_read(output):
    assert parse_documents(output).documents == ()


@given(
    st.lists(st.sampled_from([b"{\n", b"}\n", b"{", b"}", b"\n", b"x\n", b" {}\n"]), max_size=12)
)
def test_any_braces_are_read(pieces):
    assert parse_documents(b"".join(pieces)).documents == ()


@given(st.integers(min_value=0, max_value=len(JSONPLUS)))
def test_cut_anywhere_only_whole_documents_are_read(end):
    whole = parse_documents(JSONPLUS).documents
    output = parse_documents(JSONPLUS[:end])
    assert output.documents == whole[: len(output.documents)]
    assert len(output.documents) + len(output.rubbish) <= 4


def test_a_long_note_is_shortened():
    assert len(parse_documents(b"x" * 10_000).notes[0]) == 300


def test_the_decoded_figures_are_those_of_the_standard_library():
    text = JSONPLUS[: JSONPLUS.index(b"\n}\n") + 2]
    said = json.loads(text)["jobs"][0]["write"]
    (document,) = parse_documents(text).documents
    assert document.jobs[0].write.ios == said["total_ios"]
    assert document.jobs[0].write.clat.max_ns == said["clat_ns"]["max"]
