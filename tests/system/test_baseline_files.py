"""A baseline as a file: written, kept elsewhere, and taken into another store."""

from __future__ import annotations

import hashlib
import json

import pytest
from system.test_import import SINGLE, imported, later

NIGHTS = 6


@pytest.fixture
def nightly(storperf):
    """A job of six nights, its baseline as a file, and the file's text."""
    files = [later(SINGLE, storperf.folder, day, 1 + 0.004 * (day % 3)) for day in range(NIGHTS)]
    imported(storperf, "--job", "nightly", *files)
    path = storperf.folder / "nightly.json"
    assert storperf("baseline", "export", "nightly", "-o", path).exit_code == 0
    return path


@pytest.fixture
def elsewhere(make_program, tmp_path_factory):
    return make_program(tmp_path_factory.mktemp("elsewhere"))


def test_another_store_judges_by_the_file_as_the_first_one_did(storperf, nightly, elsewhere):
    taken = elsewhere("baseline", "import", nightly, "--json")
    assert taken.exit_code == 0, taken
    assert [each["state"] for each in taken.json["runs"]] == ["added"] * NIGHTS
    slow = later(SINGLE, storperf.folder, 9, 0.5)
    verdicts = []
    for program in (storperf, elsewhere):
        (result,) = imported(program, "--job", "nightly", slow)
        checks = program("show", result["run"], "--json").json["verdict"]["checks"]
        verdicts.append([(check["reason"], check["change"], check["metric"]) for check in checks])
    assert verdicts[0] == verdicts[1]
    assert ("suspicious", pytest.approx(-0.5, abs=0.02), "iops") in verdicts[0]
    (entry, *_) = elsewhere("baseline", "show", "nightly", "--json").json["entries"][::-1]
    assert entry["why"].startswith("from nightly.json; there by storperf: clean run")


def test_every_command_works_on_a_run_of_a_file_and_it_can_be_exported_again(nightly, elsewhere):
    elsewhere("baseline", "import", nightly)
    last = elsewhere("list", "--json").json["runs"][0]["id"]
    for command in (["show", last], ["report", last], ["export", last, "--format", "csv"]):
        ended = elsewhere(*command)
        assert ended.exit_code == 0, ended
    first, again = (
        json.loads(text)
        for text in (nightly.read_text(), elsewhere("baseline", "export", "nightly").stdout)
    )
    assert [run["trials"] for run in again["runs"]] == [run["trials"] for run in first["runs"]]
    assert [run["id"] for run in again["runs"]] == [run["id"] for run in first["runs"]]


def test_what_is_there_already_is_accepted_again_and_stored_once(storperf, nightly):
    assert storperf("baseline", "clear", "nightly").exit_code == 0
    taken = storperf("baseline", "import", nightly, "--json")
    assert [each["state"] for each in taken.json["runs"]] == ["known"] * NIGHTS
    assert len(storperf("list", "--json").json["runs"]) == NIGHTS
    entries = storperf("baseline", "show", "nightly", "--json").json["entries"]
    assert all(entry["accepted"] for entry in entries)


def test_a_file_that_was_changed_or_is_not_ours_is_refused_and_nothing_is_stored(
    nightly, elsewhere
):
    text = nightly.read_text()
    broken = {
        "its checksum is not that of its content": text.replace('"value": ', '"value": 1', 1),
        "it is no JSON": text[: len(text) // 2],
        "update storperf": text.replace("storperf-baseline-file/1", "storperf-baseline-file/2"),
        "it is no baseline that": "[]",
    }
    for said, content in broken.items():
        nightly.write_text(content)
        ended = elsewhere("baseline", "import", nightly)
        assert ended.exit_code == 2, ended
        assert said in " ".join(ended.stderr.split())
    assert elsewhere("list", "--json").json["runs"] == []


def test_a_key_demands_its_own_signature(storperf, nightly, elsewhere):
    keys = []
    for name in ("one", "other"):
        keys.append(storperf.folder / f"{name}.key")
        keys[-1].write_bytes(name.encode() * 16)
    signed = storperf.folder / "signed.json"
    storperf("baseline", "export", "nightly", "-o", signed, "--key-file", keys[0])
    for path, key, said in (
        (nightly, keys[0], "it is not signed"),
        (signed, keys[1], "signature was made with another key"),
    ):
        ended = elsewhere("baseline", "import", path, "--key-file", key)
        assert ended.exit_code == 2, ended
        assert said in " ".join(ended.stderr.split())
    assert elsewhere("baseline", "import", signed, "--key-file", keys[0]).exit_code == 0
    assert keys[0].read_text() not in signed.read_text()


def test_there_must_be_something_to_export(elsewhere):
    ended = elsewhere("baseline", "export", "nothing")
    assert ended.exit_code == 2, ended
    assert "nothing is accepted for lab local, job nothing" in ended.stderr


def test_a_pinned_run_is_the_bar_and_old_runs_are_none(storperf, nightly):
    first, *_ = storperf("list", "--json").json["runs"][::-1]
    assert storperf("baseline", "pin", first["id"], "--why", "release 4").exit_code == 0
    (result,) = imported(storperf, "--job", "nightly", later(SINGLE, storperf.folder, 400))
    checks = storperf("show", result["run"], "--json").json["verdict"]["checks"]
    compared = [check for check in checks if check["kind"] == "baseline"]
    assert {tuple(check["baseline_runs"]) for check in compared} == {(first["id"],)}
    assert storperf("baseline", "unpin", first["id"]).exit_code == 0
    (result,) = imported(storperf, "--job", "nightly", later(SINGLE, storperf.folder, 900))
    assert storperf("show", result["run"], "--json").json["run"]["reason"] == "no_baseline"


def test_what_is_in_no_baseline_cannot_be_pinned(storperf, nightly):
    assert storperf("baseline", "clear", "nightly").exit_code == 0
    ended = storperf("baseline", "pin", "last")
    assert ended.exit_code == 2, ended
    assert "is in no baseline; `storperf baseline set" in " ".join(ended.stderr.split())


def test_a_run_of_another_time_under_the_same_id_is_never_replaced(storperf, nightly, elsewhere):
    elsewhere("baseline", "import", nightly)
    content = json.loads(nightly.read_text())
    del content["sha256"]
    content["runs"][0]["created_s"] += 86400
    plain = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    content["sha256"] = hashlib.sha256(plain.encode()).hexdigest()
    nightly.write_text(json.dumps(content))
    ended = elsewhere("baseline", "import", nightly)
    assert ended.exit_code == 2, ended
    assert "nothing of it is replaced" in " ".join(ended.stderr.split())


def test_a_key_or_a_file_that_cannot_be_read_is_told(storperf, nightly, elsewhere):
    short, binary = storperf.folder / "short.key", storperf.folder / "binary.json"
    short.write_bytes(b"secret")
    binary.write_bytes(b"\xff\xfe")
    for arguments, said in (
        ((nightly, "--key-file", short), "at least 16 bytes are needed"),
        ((nightly, "--key-file", short.with_name("none.key")), "cannot read the key"),
        ((binary,), "it is no text"),
        ((binary.with_name("none.json"),), "cannot read"),
    ):
        ended = elsewhere("baseline", "import", *arguments)
        assert ended.exit_code == 2, ended
        assert said in " ".join(ended.stderr.split())


def test_a_person_lets_the_baseline_begin_anew_with_a_slower_level(storperf, nightly, elsewhere):
    (slow,) = imported(storperf, "--job", "nightly", later(SINGLE, storperf.folder, 20, 0.5))
    assert storperf("show", slow["run"], "--json").json["run"]["reason"] == "suspicious"
    ended = storperf("baseline", "anchor", slow["run"], "--why", "encryption is on")
    assert ended.exit_code == 0, ended
    (result,) = imported(storperf, "--job", "nightly", later(SINGLE, storperf.folder, 21, 0.5))
    verdict = storperf("show", result["run"], "--json").json["verdict"]
    assert verdict["outcome"] == "pass"
    assert {tuple(check["baseline_runs"]) for check in verdict["checks"]} == {(slow["run"],)}
    shown = storperf("baseline", "show", "nightly", "--json").json
    assert {anchor["why"] for anchor in shown["anchors"]} == {"encryption is on"}
    assert sum(entry["is_past"] for entry in shown["entries"]) == NIGHTS
    told = " ".join(storperf("history", "nightly").stdout.split())
    assert f"the baseline begins with {slow['run']}" in told
    file = storperf.folder / "anchored.json"
    storperf("baseline", "export", "nightly", "-o", file)
    assert elsewhere("baseline", "import", file, "--json").json["runs"][0]["run"] == slow["run"]
    assert storperf("baseline", "unanchor", "nightly").exit_code == 0
    assert storperf("baseline", "unanchor", "nightly").exit_code == 2
    again = storperf("baseline", "show", "nightly", "--json").json["entries"]
    assert not any(entry["is_past"] for entry in again)
