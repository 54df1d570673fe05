"""The command line: a name for each use case, and one place where errors become exit codes."""

from __future__ import annotations

import json
import logging
import sys
import traceback
from pathlib import Path
from typing import Annotated

import typer

from storperf.cli import (
    access,
    agent,
    baseline,
    calibrating,
    doctor,
    graphite,
    heat,
    heat_check,
    hook,
    importing,
    jenkins,
    judging,
    keeping,
    looking,
    publishing,
    queueing,
    reporting,
    running,
    scheduling,
    series,
    serve,
    verdicts,
    workload,
)
from storperf.cli.server import keep_server
from storperf.errors import ExitCode, StorperfError, UsageError

# The commands that a server can do; every other one is for the machine it is typed on.
_AT_A_SERVER = ("run", "list", "show", "export", "cancel")

app = typer.Typer(
    name="storperf",
    help="Measure storage with fio and say pass, fail or inconclusive.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)


@app.callback()
def main_options(  # noqa: PLR0913, PLR0917 - an option each
    context: typer.Context,
    results: Annotated[
        Path | None,
        typer.Option(
            "--results",
            help="Where runs are kept. Default: $STORPERF_RESULTS, else ~/.local/share/storperf.",
        ),
    ] = None,
    server: Annotated[
        str | None,
        typer.Option(
            "--server",
            metavar="URL",
            help="Have `run`, `list`, `show`, `export` and `cancel` done by a server.",
            show_default=False,
        ),
    ] = None,
    token_file: Annotated[
        Path | None,
        typer.Option(
            "--token-file",
            metavar="FILE",
            help="The server's token. Default: $STORPERF_TOKEN, else what a server here has left.",
            show_default=False,
        ),
    ] = None,
    ca_file: Annotated[
        Path | None,
        typer.Option(
            "--ca-file",
            metavar="FILE",
            help="The authority that vouches for the server's certificate, where the system "
            "knows none.",
            show_default=False,
        ),
    ] = None,
    verbose: Annotated[
        int, typer.Option("--verbose", "-v", count=True, help="Say more on stderr; twice for all.")
    ] = 0,
) -> None:
    """Measure storage with fio and say pass, fail or inconclusive."""
    context.obj = results
    if server is not None and context.invoked_subcommand not in _AT_A_SERVER:
        raise UsageError(
            f"--server is for {', '.join(_AT_A_SERVER)}; `{context.invoked_subcommand}` "
            "is done on this machine"
        )
    keep_server(context, server, token_file, ca_file)
    level = (logging.WARNING, logging.INFO, logging.DEBUG)[min(verbose, 2)]
    # Its errors come to us as exceptions; it would tell each of them with a traceback as well.
    logging.getLogger("paramiko").setLevel(logging.DEBUG if verbose > 2 else logging.CRITICAL)
    # These would tell sessions and crumbs, which a log must not hold.
    for name in ("botocore", "jenkinsapi"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    logging.basicConfig(
        level=level, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s"
    )


app.command("run")(running.run)
app.command("resume")(running.resume)
app.command("cancel")(running.cancel)
app.command("serve")(serve.serve)
app.command("submit")(queueing.submit)
app.command("calibrate")(calibrating.calibrate)
app.command("doctor")(doctor.doctor)
app.command("import")(importing.import_results)
app.command("list")(looking.list_runs)
app.command("show")(looking.show)
app.command("compare")(looking.compare)
app.command("judge")(judging.judge)
app.command("changes")(series.changes)
app.command("steady")(series.steady)
app.command("export")(looking.export)
app.command("publish")(publishing.publish)
app.command("report")(reporting.report)
app.command("history")(reporting.history)
app.command("histories", hidden=True)(reporting.histories)
app.add_typer(access.audit_app, name="audit")
app.add_typer(access.app, name="token")
app.add_typer(agent.app, name="agent")
app.add_typer(baseline.app, name="baseline")
app.add_typer(graphite.app, name="graphite")
app.add_typer(queueing.app, name="queue")
app.add_typer(scheduling.app, name="schedule")
app.add_typer(verdicts.app, name="verdict")
app.add_typer(workload.app, name="workload")
app.add_typer(heat.app, name="heat")
heat.app.command("check")(heat_check.check)
heat.app.add_typer(heat_check.image_app, name="image")
app.add_typer(hook.app, name="hook")
app.add_typer(jenkins.app, name="jenkins")
app.command("cleanup")(heat.cleanup)
app.command("prune")(keeping.prune)
app.command("schema")(keeping.schema)
app.command("version")(keeping.version)


def main() -> None:
    """Run a command and exit with its code."""
    sys.exit(_exit_code(sys.argv[1:]))


def _exit_code(arguments: list[str]) -> int:
    try:
        app(arguments)
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else ExitCode.PASS
    except StorperfError as error:
        _say(error.message, error.exit_code, arguments)
        return error.exit_code
    except Exception as error:  # noqa: BLE001 - a bug of ours must not look like a verdict
        traceback.print_exc()
        _say(f"a bug in storperf: {error}; please report it", ExitCode.BUG, arguments)
        return ExitCode.BUG
    return ExitCode.PASS


def _say(message: str, code: ExitCode, arguments: list[str]) -> None:
    sys.stderr.write(f"storperf: {message}\n")
    if {"--json", "--json-lines"} & set(arguments):
        document = {"schema": "storperf-error/1", "error": message, "exit_code": int(code)}
        sys.stdout.write(json.dumps(document, ensure_ascii=False) + "\n")
