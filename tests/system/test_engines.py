"""Each ioengine measures, and one that is missing is refused before anything is made."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from system.together import Facts
from tools.fake_fio import calls_of

WITHOUT_IO_URING = Path(__file__).parents[1] / "tools/without_io_uring.py"
CACHED = {"mmap": False}
# Of many that fio lists; enough for nothing but the job's own.
FEW = ["sync", "psync", "null"]
fact = Facts()


def measures(engine):
    """A check that an engine ends a run with figures."""

    def check(storperf):
        named = {"target": {"null_engine": True}} if engine == "null" else {"ioengine": engine}
        ended = storperf.run_job(direct=CACHED.get(engine, True), **named)
        assert ended.exit_code == 0, ended
        [trial] = ended.trials
        found = {(figure["op"], figure["metric"]): figure["value"] for figure in trial["figures"]}
        assert 300 < found["read", "iops"] <= 550
        assert found["read", "clat_mean"] > 0
        assert ended.json["steps"][0]["measuring"]["ioengine"] == engine
        storperf.assert_nothing_left()

    return check


for _engine in ("libaio", "io_uring", "psync", "posixaio", "mmap", "null"):
    fact[f"{_engine}_measures"] = measures(_engine)


def assert_refused(storperf, ended, *words):
    """Exit 2, the words, no scratch, no fill, no trial."""
    assert ended.exit_code == 2, ended
    for word in words:
        assert word in ended.stderr
    assert [trial["end"] for trial in ended.trials] == [None]
    assert not (storperf.folder / "scratch").exists()
    storperf.assert_nothing_left()


@fact
def an_engine_that_the_job_names_must_be_there(storperf):
    provider = storperf.lying_fio(engines=[*FEW, "libaio"])
    ended = storperf.run_job(provider=provider, ioengine="posixaio")
    assert_refused(storperf, ended, "this fio has no ioengine 'posixaio', which the job needs")
    assert "it has sync, psync, null, libaio" in ended.stderr
    said = {word for call in calls_of(Path(provider["fio"])) for word in call["argv"][1:]}
    assert said == {"--version", "--enghelp"}


@fact
def the_engine_of_the_fill_must_be_there(storperf):
    provider = storperf.lying_fio(engines=FEW)
    ended = storperf.run_job(provider=provider, ioengine="psync")
    words = "this fio has no ioengine 'libaio', which the fill (precondition.fill) needs"
    assert_refused(storperf, ended, words)
    filled = storperf.run_job(
        provider=provider, ioengine="psync", precondition={"fill": False},
        workloads=[{"name": "wr", "rw": "randwrite"}],
    )  # fmt: skip
    assert filled.exit_code == 0, filled


@fact
def the_engine_of_a_target_must_be_there(storperf):
    provider = storperf.lying_fio()
    for engine, where in (
        ("nbd", {"nbd": "nbd+unix:///?socket=/nowhere"}),
        ("rbd", {"rbd": {"pool": "rbd", "image": "test"}}),
    ):
        target = {**where, "size": "16M", "destroy": True}
        ended = storperf.run_job(provider=provider, target=target)
        assert_refused(storperf, ended, f"this fio has no ioengine '{engine}', which the job needs")


@fact
def the_engine_of_a_section_must_be_there(storperf):
    (storperf.folder / "own.fio").write_text(
        "[first]\nruntime=1\n[second]\nruntime=1\nioengine=posixaio\n"
    )
    ended = storperf.run_job(
        provider=storperf.lying_fio(engines=[*FEW, "libaio"]),
        workloads=[{"name": "own", "fio_file": "own.fio"}],
        matrix=None,
    )
    words = "'posixaio', which section [second] of workload 'own' needs"
    assert_refused(storperf, ended, words)


@fact
def an_io_uring_that_the_kernel_refuses_is_said_before_anything_is_made(storperf):
    forbidden = f'exec {sys.executable} {WITHOUT_IO_URING} fio "$@"'
    ended = storperf.run_job(provider=storperf.script_fio(forbidden), ioengine="io_uring")
    assert_refused(
        storperf,
        ended,
        "io_uring is not possible here: Operation not permitted; the kernel "
        "(kernel.io_uring_disabled) or a container refuses it",
    )


@pytest.mark.parametrize("name", fact)
def test_that(name, facts):
    facts[name].result()
