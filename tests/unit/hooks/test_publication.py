"""A publication is the same each time, and is in a folder whole or not at all."""

from __future__ import annotations

import hashlib
import json
import sys

import pytest
from unit.reports.result_values import a_result, a_run

from storperf.errors import DeliveryError, UsageError
from storperf.hooks.publication import publication_of
from storperf.hooks.publication_folder import publish_to_folder
from storperf.hooks.publication_s3 import parse_bucket, publish_to_bucket


@pytest.fixture
def papers(tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    paths = [folder / name for name in ("result.json", "figures.csv", "report.html")]
    for path in paths:
        path.write_text(f"this is {path.name}\n")
    return paths


def everything(top):
    return sorted(str(p.relative_to(top)) for p in top.rglob("*") if p.is_file())


def test_a_publication_of_the_same_papers_is_the_same(papers):
    first, second = (publication_of(a_result(), papers) for _ in range(2))
    assert first == second
    assert [each.name for each in first.files] == [
        *sorted(path.name for path in papers),
        "publication.json",
        "SHA256SUMS",
    ]


def test_the_checksums_are_those_of_the_files(papers, tmp_path):
    publication = publication_of(a_result(), papers)
    assert publish_to_folder(publication, tmp_path / "lab")
    folder = tmp_path / "lab" / publication.place
    lines = (folder / "SHA256SUMS").read_text().splitlines()
    assert len(lines) == len(papers) + 1
    for line in lines:
        digest, name = line.split("  ")
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest


def test_the_manifest_holds_the_verdict_and_the_images(papers):
    images = {"image": {"id": "i", "checksum": "c"}, "image_1": {"id": "j"}, "imagery": "no"}
    run = a_run(facts={"stack": {"id": "s", **images}})
    publication = publication_of(a_result(run=run), papers)
    manifest = json.loads(publication.files[-2].content)
    assert (manifest["verdict"], manifest["exit_code"]) == ("pass", 0)
    assert manifest["images"] == [{"id": "i", "checksum": "c"}, {"id": "j"}]
    assert len(manifest["files"]) == len(papers)


@pytest.mark.parametrize("name", ["../../etc", "a/b; rm -rf /", ".hidden", "", "ü b"])
def test_an_odd_name_is_one_folder(papers, name, tmp_path):
    publication = publication_of(a_result(run=a_run(job_name=name, lab=name)), papers)
    publish_to_folder(publication, tmp_path / "lab")
    parts = publication.place.split("/")
    assert len(parts) == 3
    assert not any(part.startswith(".") or not part for part in parts)
    assert len(everything(tmp_path / "lab")) == len(papers) + 2


def test_a_second_time_changes_nothing(papers, tmp_path):
    publication = publication_of(a_result(), papers)
    assert publish_to_folder(publication, tmp_path / "lab") is True
    place = tmp_path / "lab" / publication.place
    before = {path: path.stat().st_mtime_ns for path in (place, *place.iterdir())}
    assert publish_to_folder(publication, tmp_path / "lab") is False
    assert {path: path.stat().st_mtime_ns for path in (place, *place.iterdir())} == before


@pytest.mark.parametrize("left", ["part", "old"])
def test_what_was_torn_damaged_or_left_behind_is_made_whole(papers, tmp_path, left):
    publication = publication_of(a_result(), papers)
    place = tmp_path / "lab" / publication.place
    publish_to_folder(publication, tmp_path / "lab")
    wanted = everything(tmp_path / "lab")
    (place / "figures.csv").write_text("this is fogures.csv\n")
    (place / "stray").write_text("of an older storperf")
    rest = place.with_name(f".{place.name}.{left}")
    rest.mkdir()
    (rest / "half").write_text("")
    assert publish_to_folder(publication, tmp_path / "lab") is True
    assert everything(tmp_path / "lab") == wanted
    assert (place / "figures.csv").read_text() == "this is figures.csv\n"


def test_a_place_that_cannot_be_written_is_named(papers, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DeliveryError, match="Not a directory"):
        publish_to_folder(publication_of(a_result(), papers), tmp_path / "file")


@pytest.mark.parametrize(
    ("address", "endpoint"),
    [
        ("s3://", None),
        ("https://bucket/x", None),
        ("s3://key:secret@bucket", None),
        ("s3://bucket", "localhost:9000"),
        ("s3://bucket", "http://key:secret@host"),
    ],
)
def test_what_is_no_bucket_is_refused_and_no_secret_is_said(address, endpoint):
    with pytest.raises(UsageError) as caught:
        parse_bucket(address, endpoint)
    assert "secret" not in caught.value.message


def test_a_bucket_without_botocore_says_what_to_install(papers, monkeypatch):
    for module in ("botocore", "botocore.config", "botocore.session", "botocore.exceptions"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(UsageError, match=r"storperf\[s3\]"):
        publish_to_bucket(publication_of(a_result(), papers), parse_bucket("s3://lab", None))
