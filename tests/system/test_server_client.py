"""`storperf --server URL ...`: a server carries the command out, and it ends as it would here."""

from __future__ import annotations

import hashlib
import os
import signal

import pytest
from system.service import address_of, opened, served, submit, until
from system.together import Facts
from tools.certificates import certify, make_authority

from storperf.model.access import Scope, Token

fact = Facts()
NULL = {"null_engine": True}
SECRET = "a-secret-of-this-test"


def token_file(program):
    """A token of the program's store, in a file that only its user may read."""
    with opened(program) as store:
        store.add_token(
            Token(
                id="t1",
                name="a test",
                digest=hashlib.sha256(SECRET.encode()).hexdigest(),
                scope=Scope.ADMIN,
                created_s=1.0,
            )
        )
    path = program.top / "token"
    path.write_text(f"{SECRET}\n")
    path.chmod(0o600)
    return path


def here(program, server, path):
    """The main options for that server."""
    return ("--server", address_of(server), "--token-file", path)


@fact
def a_run_goes_on_when_its_server_is_killed_and_ends_as_one_of_this_machine(storperf):
    path = token_file(storperf)
    with served(storperf) as first:
        options = here(storperf, first, path)
        job = storperf.job(name="there", target=NULL, duration="4s")
        running = storperf.start(*options, "run", job, "--title", "mine", "--json")
        running.until("started, ")
        os.kill(first.process.pid, signal.SIGKILL)
        first.end()
    port = address_of(first).rpartition(":")[2]
    with served(storperf, "--port", port) as again:
        ended = running.end()
        assert ended.exit_code in {0, 3}, ended
        assert ended.exit_code == ended.json["run"]["exit_code"]
        run = ended.json["run"]["id"]
        assert ended.json["run"]["title"] == "mine"
        assert f"report: {address_of(again)}/api/v3/runs/{run}/report" in ended.stderr
        shown = storperf(*options, "show", run)
        assert shown.stdout == storperf("show", run).stdout
        listed = storperf(*options, "list", "--json")
        assert [each["id"] for each in listed.json["runs"]] == [run]
        exported = storperf(*options, "export", run, "--format", "csv")
        assert exported.stdout == storperf("export", run, "--format", "csv").stdout
        with opened(storperf) as store:
            (entry,) = store.queue_entries()
        assert (entry.run_id, entry.state.value) == (run, "ended")
        assert entry.exit_code == ended.exit_code
    assert SECRET not in ended.stdout + ended.stderr + again.stderr
    storperf.assert_nothing_left()


@fact
def ctrl_c_ends_the_run_at_the_server(storperf):
    path = token_file(storperf)
    with served(storperf) as server:
        options = here(storperf, server, path)
        running = storperf.start(*options, "run", storperf.job(target=NULL, duration="60s"))
        running.until("started, ")
        running.process.send_signal(signal.SIGINT)
        assert running.end().exit_code == 130
        asked = storperf(
            *options, "run", storperf.job(target=NULL, duration="60s"), "--no-wait", "--json"
        )
        run = asked.json["entry"]["run_id"]
        assert asked.exit_code == 0
        assert storperf(*options, "cancel", run).exit_code == 0
        with opened(storperf) as store:
            until(lambda: store.queue_entry(run).state == "cancelled", "a cancelled run")
    storperf.assert_nothing_left()


@fact
def what_is_wrong_with_a_server_is_told(storperf):
    path = token_file(storperf)
    job = storperf.job()
    with served(storperf) as server:
        address, _, _ = options = (address_of(server), "--token-file", path)
        cases = (
            (("--server", *options, "run", storperf.job(target="/etc")), 2, "target"),
            (("--server", *options, "run", job, "--keep"), 2, "--keep"),
            (("--server", *options, "doctor"), 2, "is done on this machine"),
            (("--server", "ftp://there", *options[1:], "list"), 2, "is no address"),
            (("--server", f"{address}/elsewhere", *options[1:], "list"), 2, "Not Found"),
            (("run", job, "--no-wait"), 2, "are for --server"),
        )
        for arguments, code, words in cases:
            ended = storperf(*arguments)
            assert (ended.exit_code, words in ended.stderr) == (code, True), ended
        wrong = storperf("--server", address, "list", STORPERF_TOKEN=f"not {SECRET}")
        assert (wrong.exit_code, "valid token" in wrong.stderr) == (2, True)
        path.chmod(0o644)
        assert "chmod 600" in storperf("--server", *options, "list").stderr
        path.chmod(0o600)
    away = storperf("--server", *options, "list")
    assert (away.exit_code, "cannot reach" in away.stderr) == (4, True)


@fact
def a_server_of_a_private_authority_is_believed_when_that_is_named(storperf):
    own, foreign = (make_authority(storperf.top, name) for name in ("lab", "elsewhere"))
    certify(own, storperf.top, "localhost")
    path, configuration = token_file(storperf), storperf.top / "serve.yaml"
    configuration.write_text("tls: {certificate: cert.pem, key: key.pem}\n")
    with served(storperf, "--config", configuration) as server:
        address = address_of(server)
        options = ("--server", address.replace("127.0.0.1", "localhost"), "--token-file", path)
        listed = storperf(*options, "--ca-file", own.path, "list", "--json")
        assert (listed.exit_code, listed.json["runs"]) == (0, []), listed
        cases = (
            (options, "name its authority with --ca-file"),
            ((*options, "--ca-file", foreign.path), "is not to be trusted"),
            # It vouches for localhost, not for an address.
            (("--server", address, *options[2:], "--ca-file", own.path), "is not to be trusted"),
            ((*options, "--ca-file", storperf.top / "none.pem"), "holds no certificate"),
            ((*options, "--ca-file", path), "holds no certificate"),
        )
        for arguments, words in cases:
            ended = storperf(*arguments, "list")
            assert (ended.exit_code, words in ended.stderr) == (2, True), ended


@fact
def cancel_takes_back_what_waits(storperf):
    for name in ("first", "second"):
        submit(storperf, name, target=NULL)
    ended = storperf("cancel", "first")
    assert (ended.exit_code, "ended: cancelled" in ended.stdout) == (0, True), ended
    with opened(storperf) as store:
        states = {entry.title: entry.state.value for entry in store.queue_entries()}
    assert states == {"first": "cancelled", "second": "queued"}
    assert storperf("cancel", "first").exit_code == 2


@pytest.mark.parametrize("name", fact)
def test_that(name, facts):
    facts[name].result()
