"""The generated page and the schema say what the parser does."""

from __future__ import annotations

from pathlib import Path

import jsonschema
import pytest
import yaml

from storperf.errors import JobFileError
from storperf.jobfile.models import JobFile
from storperf.jobfile.parse import parse_job
from storperf.jobfile.reference import render_reference
from storperf.jobfile.schema import job_schema

ROOT = Path(__file__).parents[3]

GOOD = [
    "name: nightly\ntarget: {directory: scratch, size: 1G}\nworkloads: [rr, wr]\n",
    "name: n\ntarget: {null_engine: true}\nworkloads: rr\nmatrix: {queue_depth: 4}\n",
    "name: n\ntarget: {nbd: 'nbd://h/x', size: 1G, destroy: true}\nworkloads: rr\n",
    "name: n\ntarget: {rbd: {pool: p, image: i}, size: 1G, destroy: true}\nworkloads: rr\n",
    (
        "name: n\ntarget: {device: /dev/vdb, serial: S, destroy: true}\n"
        "workloads: [{name: mixed, rw: randrw, rwmixread: 70}]\n"
        "until: {steady: {range: 20%}, at_most: 20m}\n"
        # To a loader of YAML 1.1 a bare `on` is true.
        "limits: ['iops >= 5', {limit: 'iops >= 5', 'on': worst agent}]\n"
        "graphite: {host: h, web: 'http://h'}\nbaseline: {runs: 5}\nprovider: {kind: local}\n"
    ),
]


def test_the_page_is_not_stale():
    page = (ROOT / "docs/reference/job-file.md").read_text()
    assert page == render_reference()


def test_every_key_has_a_row_with_words():
    page = render_reference()
    for key, field in JobFile.model_fields.items():
        assert f"| `{key}` |" in page
        assert field.description


def test_the_page_names_no_null():
    assert "None" not in render_reference()


def test_the_schema_is_one():
    jsonschema.Draft202012Validator.check_schema(job_schema())


@pytest.mark.parametrize("text", GOOD)
def test_what_the_parser_reads_the_schema_accepts(text):
    assert parse_job(text, source="x")
    jsonschema.validate(yaml.safe_load(text), job_schema())


@pytest.mark.parametrize(
    "change",
    [
        {"nam": "x"},
        {"name": ""},
        {"target": "scratch"},
        {"target": {"size": []}},
        {"matrix": {"queue_depth": [0]}},
        {"lab": None},
        {"until": {"steady": {"rounds": 2}}},
        {"workloads": [{"bs": "4k"}]},
        {"provider": {"kind": "slurm"}},
        {"target": {"null_engine": False}},
    ],
)
def test_the_schema_refuses_what_the_parser_refuses(change):
    job = yaml.safe_load(GOOD[0]) | change
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(job, job_schema())
    with pytest.raises(JobFileError):
        parse_job(yaml.safe_dump(job), source="x")
