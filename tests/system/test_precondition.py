"""What is done to a target before it is measured, and what is refused for want of it."""

from __future__ import annotations

import pytest
from system.together import Facts

fact = Facts()


def verdict_of(ended):
    return ended.json["verdict"]["outcome"], ended.json["verdict"]["reason"]


# Scratch and journal share a disk here, and the machine is not this test's alone: no matter now.
NO_MATTER = ("journal_on_target", "client_bound", "disturbed")


def flags_of(ended):
    """Of each trial, those that matter here."""
    return [[flag for flag in trial["flags"] if flag not in NO_MATTER] for trial in ended.trials]


@fact
def a_filled_target_is_looked_at_and_what_was_found_is_kept(storperf):
    ended = storperf.run_job()
    assert ended.exit_code == 0, ended
    [held] = ended.json["run"]["facts"]["precondition.agent-01"]["holds"]
    assert (held["samples"], held["zero_samples"]) == (66, 0)
    assert (held["unwritten_bytes"], held["hole_bytes"]) == (0, 0)
    assert flags_of(ended) == [[]]


@fact
def reads_of_what_was_never_written_are_never_a_pass(storperf):
    ended = storperf.run_job(precondition={"fill": False})
    assert ended.exit_code == 3, ended
    assert verdict_of(ended) == ("inconclusive", "not_storage")
    [flags] = flags_of(ended)
    assert "reads_unwritten" in flags
    assert not ended.json["verdict"]["enters_baseline"]
    storperf.assert_nothing_left()


@fact
def reads_of_what_the_step_before_wrote_are_reads_of_storage(storperf):
    ended = storperf.run_job(
        precondition={"fill": False},
        target={"directory": "scratch", "size": "1M"},
        workloads=[{"name": "ws", "rw": "write"}, {"name": "rr", "rw": "randread"}],
    )
    assert flags_of(ended) == [[], []]


@fact
def a_span_in_several_files_is_filled_measured_and_removed(storperf):
    provider, calls = storperf.noting_fio()
    target = {"directory": "scratch", "size": "16M", "nrfiles": 4}
    ended = storperf.run_job(target=target, provider=provider, duration="2s")
    assert ended.exit_code == 0, ended
    [found] = ended.json["environment"]["agent-01"]["targets"]
    names = [f"{storperf.folder}/scratch/storperf-RUN/target-0.{n}" for n in range(4)]
    run = ended.json["run"]["id"]
    assert found["filename"] == names[0].replace("RUN", run)
    joined = ":".join(names).replace("RUN", run)
    argvs = [line for line in calls.read_text().splitlines() if "--rw=" in line]
    assert len(argvs) == 3  # parse-only, fill, trial
    assert all(f"--filename={joined} " in argv for argv in argvs)
    [held] = ended.json["run"]["facts"]["precondition.agent-01"]["holds"]
    assert held["samples"] == 4 * 18
    storperf.assert_nothing_left()


@fact
def a_fill_of_two_passes_writes_twice_and_shows_all_of_it(storperf):
    ended = storperf.run_job(precondition={"passes": 2, "block_size": "16k", "queue_depth": 8})
    assert ended.exit_code == 0, ended
    measuring = dict(map(tuple, ended.json["steps"][0]["measuring"].items()))
    assert measuring["fill_passes"] == "2"
    storperf.assert_nothing_left()


@fact
def random_writes_that_are_not_steady_in_time_make_the_run_inconclusive(storperf):
    # The rate halves after 25 s of 50 s: no window of five rounds holds still.
    lying = storperf.lying_fio("step", phases=["measure"], factor=0.3, noise=0)
    ended = storperf.run_job(
        provider=lying, precondition={"random": {"at_most": "50s", "range": "5%"}}
    )
    assert ended.exit_code == 3, ended
    assert verdict_of(ended) == ("inconclusive", "not_steady")
    assert flags_of(ended) == [["unsteady_precondition"]]
    assert ended.json["run"]["facts"]["random_writes"]["end"] == "deadline"
    assert "random writes: not steady after 50s; every trial is flagged" in ended.stderr
    storperf.assert_nothing_left()


@fact
def random_writes_end_as_soon_as_they_are_steady(storperf):
    lying = storperf.lying_fio(noise=0.001)
    ended = storperf.run_job(
        provider=lying, precondition={"random": {"at_most": "10m", "round": "10s", "window": 3}}
    )
    assert ended.exit_code == 0, ended
    found = ended.json["run"]["facts"]["random_writes"]
    assert (found["end"], len(found["last_rounds_iops"])) == ("steady", 3)
    assert 30 <= found["took_s"] < 60


@fact
def a_cancel_ends_the_settling_at_once(storperf):
    running = storperf.start("run", storperf.job(precondition={"settle": "10m"}), "--json")
    running.until("letting it settle: started")
    running.process.terminate()
    ended = running.end(timeout_s=30)
    assert ended.exit_code == 130, ended
    storperf.assert_nothing_left()


@pytest.mark.parametrize("name", fact)
def test_that(name, facts):
    facts[name].result()


# --- devices -------------------------------------------------------------------------------------


def on_device(device, image, **more):
    return {"device": str(device), "serial": f"loop:{image}", "destroy": True, **more}


def test_a_device_is_filled_once_for_as_many_runs_as_only_read_it(storperf, loop_device):
    device, image = loop_device()
    target = on_device(device, image)
    provider, calls = storperf.noting_fio()

    def fills():
        return sum(" --name=fill " in line for line in calls.read_text().splitlines())

    # Jobs of their own, so that a noisy machine makes none of them suspicious.
    first = storperf.run_job(name="first", target=target, provider=provider)
    assert (first.exit_code, fills()) == (0, 1), first
    again = storperf.run_job(name="again", target=target, provider=provider)
    assert (again.exit_code, fills()) == (0, 1), again
    assert "the fill is left out: it was done at" in again.stderr
    assert again.json["run"]["facts"]["fill_recalled.agent-01"]["is_filled"]
    # The very same step: what was found filled is measured as what was filled.
    assert again.json["steps"][0]["fingerprint"] == first.json["steps"][0]["fingerprint"]
    always = storperf.run_job(
        name="always", target=target, provider=provider, precondition={"fill": "always"}
    )
    assert (always.exit_code, fills()) == (0, 2), always
    writing = {"name": "wr", "rw": "randwrite", "rate_iops": 100}
    assert storperf.run_job(target=target, provider=provider, workloads=[writing]).exit_code == 0
    assert fills() == 2
    after = storperf.run_job(target=target, provider=provider)
    assert fills() == 3
    assert "written_sectors was" in after.json["run"]["facts"]["fill_recalled.agent-01"]["why"][0]
    storperf.assert_nothing_left()


def test_a_device_that_is_no_whole_number_of_blocks_is_filled_to_its_last_whole_mebibyte(
    storperf, loop_device
):
    device, image = loop_device((8 << 20) + 4096)
    ended = storperf.run_job(target=on_device(device, image))
    assert ended.exit_code == 0, ended
    [found] = ended.json["environment"]["agent-01"]["targets"]
    assert found["size_bytes"] == 8 << 20
    assert image.read_bytes()[8 << 20 :] == bytes(4096)


def test_a_device_is_purged_before_it_is_filled(storperf, loop_device):
    device, image = loop_device(16 << 20)
    with device.open("r+b") as file:
        file.write(b"\xff" * (16 << 20))
    ended = storperf.run_job(
        target=on_device(device, image, size="4M"), precondition={"purge": True}
    )
    assert ended.exit_code == 0, ended
    content = image.read_bytes()
    assert content[: 4 << 20].count(b"\0") < (4 << 20) // 100
    assert content[4 << 20 :] == bytes(12 << 20)
    storperf.assert_nothing_left()


def test_a_thin_device_that_nobody_filled_gives_no_pass(storperf, loop_device):
    device, image = loop_device()
    ended = storperf.run_job(target=on_device(device, image), precondition={"fill": False})
    assert ended.exit_code == 3, ended
    assert verdict_of(ended) == ("inconclusive", "not_storage")
    [flags] = flags_of(ended)
    assert "reads_unwritten" in flags


def test_caches_are_dropped_before_every_trial_where_that_is_possible(storperf, root):
    ended = storperf.run_job(precondition={"drop_caches": True}, repeats=2)
    assert ended.exit_code == 0, ended
    storperf.assert_nothing_left()
