from __future__ import annotations

import hashlib
import json

import pytest

from storperf.imports.baseline_file import (
    SCHEMA,
    BaselineFile,
    BaselineFileError,
    FileRun,
    FileTrial,
    FileValue,
    parse_baseline,
    render_baseline,
)
from storperf.jobfile.parse import parse_job
from storperf.model.run import Steadiness, TrialEnd
from storperf.plan import plan_job

JOB = "name: x\ntarget: {directory: d, size: 1M}\nworkloads: [rr]\nduration: 10s\n"
KEY = b"0123456789abcdef"


def a_file():
    (step,) = plan_job(parse_job(JOB, source="test")).steps
    value = FileValue(op="read", metric="iops", value=100.0, low=None, high=None)
    trial = FileTrial(
        id="t001",
        step_key=step.key,
        side="candidate",
        session=1,
        repeat=1,
        end=TrialEnd.COMPLETED,
        steadiness=Steadiness.STEADY,
        flags=(),
        values=(value,),
    )
    run = FileRun(
        id="20261122-101112-ab12",
        title=None,
        created_s=1.0,
        ended_s=2.0,
        exit_code=0,
        verdict="pass",
        reason="not_worse",
        runtime_s=10.0,
        interval_s=1.0,
        until_steady=False,
        steps=(step,),
        trials=(trial,),
        places=(),
    )
    return BaselineFile(lab="l", job="j", exported_s=3.0, program="p", runs=(run,))


def resealed(change):
    """The file after a change by somebody who knows how the checksum is made."""
    content = json.loads(render_baseline(a_file(), None))
    del content["sha256"]
    change(content)
    plain = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return json.dumps({**content, "sha256": hashlib.sha256(plain.encode()).hexdigest()})


def test_what_was_written_is_read_again_with_and_without_a_key():
    for key in (None, KEY):
        assert parse_baseline(render_baseline(a_file(), key), key) == a_file()
    assert parse_baseline(resealed(lambda _content: None), None) == a_file()


def set_in(*path, value):
    def change(content):
        for key in path[:-1]:
            content = content[key]
        content[path[-1]] = value

    return change


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (set_in("runs", 0, "id", value="../../escaped"), "has a name that is none"),
        (set_in("runs", 0, "trials", 0, "id", value="/etc/x"), "has a name that is none"),
        (set_in("runs", 0, "trials", 0, "step_key", value="no"), "steps that it does not describe"),
        (set_in("runs", 0, "exit_code", value=77), "runs.0.exit_code"),
        (set_in("runs", 0, "trials", 0, "end", value="well"), "runs.0.trials.0.end"),
        (set_in("runs", 0, "trials", 0, "values", 0, "value", value="x"), "values.0.value"),
        (set_in("runs", value=3), "runs is not as it must be"),
        (set_in("schema", value=f"{SCHEMA}0"), "update storperf"),
        (set_in("schema", value="other/1"), "no baseline that"),
    ],
)
def test_a_file_with_a_right_checksum_may_be_wrong_all_the_same(change, said):
    with pytest.raises(BaselineFileError, match=said):
        parse_baseline(resealed(change), None)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no JSON"),
        ("{", "no JSON"),
        ("[" * 100_000, "no JSON"),
        ('{"schema": NaN}', "NaN is no number"),
        ("[]", "no baseline that"),
        (json.dumps({"schema": SCHEMA}), "checksum"),
        (json.dumps({"schema": SCHEMA, "sha256": "\u00e9"}), "checksum"),
    ],
)
def test_what_is_no_such_file_is_refused(text, said):
    with pytest.raises(BaselineFileError, match=said):
        parse_baseline(text, None)


@pytest.mark.parametrize("seal", [None, "\u00e9", 3])
def test_a_signature_that_is_none_is_refused(seal):
    content = json.loads(render_baseline(a_file(), KEY))
    content["hmac_sha256"] = seal
    with pytest.raises(BaselineFileError, match=r"signed|signature"):
        parse_baseline(json.dumps(content), KEY)
