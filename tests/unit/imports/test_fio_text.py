"""Any text that fio left: every figure of what is whole, a reason for the rest."""

from __future__ import annotations

import codecs
import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storperf.fio.parse import parse_documents
from storperf.imports.figures import NotAResultError
from storperf.imports.fio_text import read_fio
from storperf.model.job import Op

FIXTURES = Path(__file__).parents[2] / "fixtures"
FIO = FIXTURES / "fio"
CLIENT_SERVER = FIXTURES / "fio-client-server"
STRICT = sorted(
    path
    for path in FIO.iterdir()
    if path.suffix in {".json", ".stdout"} and parse_documents(path.read_bytes()).documents
)
JSONPLUS = (FIO / "jsonplus_status-interval1_concat.json").read_bytes()
SINGLE = (FIO / "single-job_randrw70.json").read_bytes()


def only(content):
    """The one result in some bytes."""
    (result,) = read_fio(content)
    return result


def read(name, folder=FIO):
    return only((folder / name).read_bytes())


def job(result, name, server=None):
    (found,) = [each for each in result.total.jobs if (each.name, each.server) == (name, server)]
    return found


def refusal(content):
    with pytest.raises(NotAResultError) as caught:
        read_fio(content)
    return str(caught.value)


# --- one parser --------------------------------------------------------------------------------


def assert_same_latency(strict, found):
    if not strict.count:
        assert found is None
        return
    assert (found.count, found.min_ns, found.max_ns) == (strict.count, strict.min_ns, strict.max_ns)
    assert (found.mean_ns, found.stddev_ns) == (strict.mean_ns, strict.stddev_ns)
    assert dict(found.bins) == {value: count for value, count in strict.bins.items() if count}


@pytest.mark.parametrize("path", STRICT, ids=lambda path: path.name)
def test_the_reader_of_our_own_runs_sees_the_same(path):
    content = path.read_bytes()
    strict = parse_documents(content)
    result = only(content)
    assert list(result.notes) == list(strict.notes)
    snapshots = (*result.earlier, result.total)
    assert len(snapshots) == len(strict.documents)
    for document, snapshot in zip(strict.documents, snapshots, strict=True):
        assert snapshot.version == document.version
        assert snapshot.timestamp_s == document.timestamp_ms / 1000
        assert tuple(each.error for each in snapshot.jobs) == document.errors
        for its, ours in zip(document.jobs, snapshot.jobs, strict=True):
            assert (ours.name, ours.elapsed_s) == (its.name, its.elapsed_s)
            for op in Op:
                expected, found = getattr(its, op.value), ours.direction(op)
                if not (expected.ios or expected.bytes or expected.runtime_ms):
                    assert found is None
                    continue
                assert (found.ios, found.bytes) == (expected.ios, expected.bytes)
                assert found.runtime_ms == expected.runtime_ms
                for kind in ("slat", "clat", "lat"):
                    assert_same_latency(getattr(expected, kind), getattr(found, kind))


@pytest.mark.parametrize("path", STRICT, ids=lambda path: path.name)
def test_rates_are_those_that_fio_prints(path):
    for result in read_fio(path.read_bytes()):
        printed = json.loads(re.findall(rb"(?ms)^\{.*?^\}", path.read_bytes())[-1])
        for ours, its in zip(result.total.jobs, printed["jobs"], strict=True):
            for found in ours.directions:
                said = its[found.op.value]
                if found.runtime_ms:
                    assert found.iops == pytest.approx(said["iops"], rel=1e-6)
                    assert found.bandwidth_bytes_per_s == pytest.approx(said["bw_bytes"], abs=1)
                else:
                    assert (found.iops, found.bandwidth_bytes_per_s) == (None, None)


# --- what surrounds documents -----------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        lambda text: codecs.BOM_UTF8 + text,
        lambda text: codecs.BOM_UTF16_LE + text.decode().encode("utf-16-le"),
        lambda text: codecs.BOM_UTF16_BE + text.decode().encode("utf-16-be"),
        lambda text: text.replace(b"\n", b"\r\n"),
        lambda text: b"note: before, on one line " + text.lstrip(),
        lambda text: b"fio: a note\nanother\n" + text + b"and one behind\n",
        lambda text: text.rstrip(b"\n"),
        lambda text: json.dumps(json.loads(text)).encode(),
        lambda text: json.dumps(json.loads(text)).encode() + b"\n",
        lambda text: json.dumps(json.loads(text), indent=4).encode(),
        lambda text: b"note on one line " + json.dumps(json.loads(text)).encode(),
    ],
)
def test_the_same_figures_whatever_surrounds_the_document(change):
    assert only(change(SINGLE)).total == only(SINGLE).total


def test_a_note_between_two_documents_on_the_line_of_a_brace_loses_none():
    documents = JSONPLUS.replace(b"\n}\n{\n", b"\n}\nfio: what is it {\n", 1)
    assert only(documents).total == only(JSONPLUS).total
    assert len(only(documents).earlier) == 3


def test_a_name_of_any_bytes_is_read():
    assert only(SINGLE.replace(b'"jobname" : "one"', b'"jobname" : "\xff"')).total.jobs[0].name


@given(st.binary(max_size=400))
def test_any_bytes_are_refused_in_a_sentence(content):
    assert refusal(content)


@given(st.integers(min_value=0, max_value=len(JSONPLUS)))
def test_cut_anywhere_the_figures_are_a_document_s_and_marked(end):
    whole = only(JSONPLUS)
    try:
        result = only(JSONPLUS[:end])
    except NotAResultError:
        assert end < JSONPLUS.index(b"\n}\n") + 2
        return
    snapshots = (*whole.earlier, whole.total)
    count = len(result.earlier) + 1
    assert result.total.jobs[0].directions == snapshots[count - 1].jobs[0].directions
    is_torn = JSONPLUS[:end].rstrip() != JSONPLUS[: JSONPLUS[:end].rfind(b"\n}") + 2].rstrip()
    assert bool(result.total.jobs[0].partial) == is_torn


# --- cumulative documents ---------------------------------------------------------------------


def test_the_last_of_several_documents_is_the_total_and_the_others_are_before_it():
    result = only(JSONPLUS)
    reads = [each.jobs[0].direction(Op.READ).ios for each in (*result.earlier, result.total)]
    assert reads == [17958, 37964, 57964, 60000]


def test_a_last_document_without_its_end_leaves_the_one_before_it_marked_as_a_part():
    result = only(JSONPLUS[:-400])
    (found,) = result.total.jobs
    assert found.direction(Op.READ).ios == 57964
    assert "last document gives no figures" in found.partial
    assert result.remarks == ("A document of it is left out: its end is missing.",)


@pytest.mark.parametrize("value", [b"nan", b"-nan", b"NaN", b"inf", b"Infinity"])
def test_a_document_with_what_is_no_number_is_refused_with_its_name(value):
    bad = re.sub(rb'"mean" : 487\.632350', b'"mean" : ' + value, JSONPLUS)
    assert bad != JSONPLUS
    result = only(bad)
    assert result.total.jobs[0].direction(Op.READ).ios == 57964
    assert result.total.jobs[0].partial
    assert value.decode() in result.remarks[0]
    assert "mean" in result.remarks[0]
    last = bad[bad.rindex(b"\n{\n") :]
    assert f"its mean is {value.decode()}" in refusal(last)


def test_a_bad_document_before_the_last_one_costs_an_interval_and_not_the_total():
    bad = JSONPLUS.replace(b'"total_ios" : 17958,', b'"total_ios" : nan,', 1)
    result = only(bad)
    assert result.total == only(JSONPLUS).total
    assert len(result.earlier) == 2


def test_outputs_appended_to_one_file_are_results_of_their_own():
    first, second = read_fio(SINGLE + JSONPLUS)
    assert first == only(SINGLE)
    assert second.total == only(JSONPLUS).total


def test_the_same_fio_job_run_again_into_the_same_file_is_another_result():
    later = SINGLE.replace(b"1795313092", b"1795399492")
    assert len(read_fio(SINGLE + later)) == 2


def test_counters_that_ramp_time_set_to_zero_are_of_the_same_run():
    first = JSONPLUS.replace(b'"total_ios" : 17958', b'"total_ios" : 67958', 1)
    assert len(read_fio(first)) == 1


# --- how it ended -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("bad-option_parse-error.stdout", "valid values: read"),
        ("bad-ioengine.stdout", "nosuch"),
        ("bad-ioengine.stderr", "fio refused an option"),
    ],
)
def test_text_instead_of_a_document_is_refused_with_what_it_says(name, said):
    assert said in refusal((FIO / name).read_bytes())


def test_nothing_at_all_is_refused():
    assert refusal(b"") == refusal(b" \n") == "it is empty"


@pytest.mark.parametrize(
    "content", [b"{}", b"[]", b'{"jobs": []}', b'{"fio version": "fio-3.1", "jobs": [1]}']
)
def test_json_of_others_is_refused(content):
    assert refusal(content)


def test_no_io_is_a_fault_although_fio_says_error_0():
    (found,) = read("failed-job_open-error.stdout").total.jobs
    assert found.error == 0
    assert found.fault == "it did no I/O"


def test_a_verify_error_is_the_storage_s_fault_in_words():
    (found,) = read("verify-error.stdout").total.jobs
    assert found.fault.startswith("what was read back is not what was written")


def test_one_failed_fio_job_leaves_the_good_one_beside_it():
    result = read("mixed_one-ok-one-failed_enospc.stdout")
    assert "No space left on device" in job(result, "bad").fault
    good = job(result, "ok")
    assert (good.fault, good.partial, good.direction(Op.WRITE).ios) == ("", "", 256)


@pytest.mark.parametrize(("name", "number"), [("SIGINT", 2), ("SIGTERM", 15)])
def test_what_a_signal_ended_is_a_part(name, number):
    (found,) = read(f"killed-{name}.stdout").total.jobs
    assert found.partial == f"fio was ended by signal {number}"
    assert found.direction(Op.READ).ios > 0


def test_what_ended_long_before_its_time_is_a_part_even_if_nobody_says_so():
    text = (FIO / "killed-SIGINT.stdout").read_bytes().replace(b"fio: terminating on", b"nothing")
    (found,) = only(text).total.jobs
    assert found.partial == "it ended after 1.657 s of 6 s"


@pytest.mark.parametrize(
    "name",
    ["steadystate_iops_slope0.3pct.json", "SIGUSR1-midrun.stdout", "single-job_randrw70.json"],
)
def test_what_ended_as_it_should_is_no_part(name):
    (found,) = read(name).total.jobs
    assert (found.fault, found.partial) == ("", "")


def test_errors_that_fio_was_told_to_go_on_after_are_errors():
    text = SINGLE.replace(b'"error" : 0,', b'"error" : 0, "total_err" : 3, "first_error" : 5,')
    assert "Input/output error" in only(text).total.jobs[0].fault


def test_reads_and_writes_in_one_sum_are_no_measurement_of_either():
    text = re.sub(rb'"read" : \{', b'"mixed" : {', SINGLE)
    assert "unified_rw_reporting" in only(text).total.jobs[0].fault


# --- client/server ----------------------------------------------------------------------------


def test_each_server_s_fio_job_is_read_and_fio_s_own_sum_is_not():
    result = read("client-server_3servers_final.json", CLIENT_SERVER)
    assert {each.server for each in result.total.jobs} == {
        "127.0.0.1:8801",
        "127.0.0.1:8802",
        "127.0.0.1:8803",
    }
    assert len(result.total.jobs) == 6
    assert "All clients" not in {each.name for each in result.total.jobs}
    reads = [job(result, "reads", f"127.0.0.1:880{n}").direction(Op.READ).ios for n in (1, 2, 3)]
    assert reads == [99861, 99972, 99994]
    assert dict(result.total.jobs[0].options)["rw"] == "randread"
    assert dict(result.total.jobs[0].options)["ioengine"] == "null"


def test_status_intervals_inside_one_client_document_are_not_added_up():
    result = read("client-server_2servers_status-interval1.out", CLIENT_SERVER)
    assert len(result.earlier) == 6
    assert job(result, "reads", "127.0.0.1:8801").direction(Op.READ).ios == 120001
    assert job(result, "mixed", "127.0.0.1:8802").direction(Op.WRITE).ios == 119807


def test_a_server_that_went_away_is_named_and_the_rest_is_a_part():
    result = read("client-server_one-server-killed-midrun.stdout", CLIENT_SERVER)
    assert result.remarks == ("Servers whose figures are missing: 127.0.0.1.",)
    assert all("servers are missing" in each.partial for each in result.total.jobs)


def test_a_server_that_was_never_there_is_named():
    text = (CLIENT_SERVER / "client-server_3servers_final.json").read_bytes()
    result = only(b"fio: failed to connect to far:8765\n" + text)
    assert "far:8765" in result.remarks[0]


def test_a_failed_fio_job_of_one_server_leaves_the_others():
    result = read("client-server_one-job-fails.stdout", CLIENT_SERVER)
    faults = {each.name: bool(each.fault) for each in result.total.jobs}
    assert faults == {"bad": True, "reads": False, "mixed": False}


def test_what_did_all_of_its_size_is_no_part_although_its_time_was_not_up():
    text = (FIO / "killed-SIGINT.stdout").read_bytes().replace(b"fio: terminating on", b"nothing")
    whole = text.replace(b'"size" : "1g"', b'"size" : "16867446784"')
    assert only(whole).total.jobs[0].partial == ""
