"""`graphite check|flush`: whether a Graphite keeps what it gets, and what it did not get."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from storperf.cli.options import JsonFlag, settings
from storperf.errors import ExitCode

if TYPE_CHECKING:
    from storperf.engine.leftovers import Flushed


def check(
    context: typer.Context,
    address: Annotated[
        str | None,
        typer.Argument(metavar="[URL]", help="graphite-web's address. Default: the embedded one."),
    ] = None,
    carbon: Annotated[
        str | None,
        typer.Option(
            metavar="HOST:PORT", help="Carbon's plaintext port. Default: 2003 on the URL's host."
        ),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Find out what a Graphite loses without a word, and which setting to change.

    It gets points of every age that our rules keep, which must come back as fine as the rules say,
    and 60 new series, more than Carbon makes files for in a minute as it is shipped; they are
    called storperf.check.* and storperf.*.check.probe.* and can be removed afterwards.

    Exit code 0: nothing found; 3: points are lost; 4: it cannot be used.
    """
    from storperf import deliveries
    from storperf.cli.output import print_json, stdout_console

    found = deliveries.check(settings(context), address, carbon)
    if as_json:
        print_json({"schema": "storperf-graphite-check/1", "findings": found})
    else:
        console = stdout_console()
        for finding in found:
            console.print(f"{finding.what}\n    {finding.remedy}", markup=False, soft_wrap=True)
        if not found:
            console.print(
                "nothing found: what was sent came back, as fine as it should", markup=False
            )
    if found:
        is_loss = all(finding.is_loss for finding in found)
        raise typer.Exit(ExitCode.INCONCLUSIVE if is_loss else ExitCode.INFRASTRUCTURE)


def flush(
    context: typer.Context,
    run_text: Annotated[
        str | None,
        typer.Argument(
            metavar="[RUN]", help="One run alone: its id, the beginning of it, or last."
        ),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Send what runs could not send: their Graphite was away, or their manager was killed.

    Exit code 0: nothing is missing any more; 4: Graphite does not take it, or lacks points all
    the same.
    """
    from storperf import deliveries
    from storperf.cli.output import print_json, stdout_console

    found = list(deliveries.flush(settings(context), run_text))
    if as_json:
        runs = [{"run": each.run, **each.facts} for each in found]
        print_json({"schema": "storperf-graphite-flush/1", "runs": runs})
    else:
        console = stdout_console()
        for each in found:
            console.print(_words(each), markup=False, soft_wrap=True)
        if not found:
            console.print("nothing is left to send", markup=False)
    if not all(each.is_complete for each in found):
        raise typer.Exit(ExitCode.INFRASTRUCTURE)


def _words(flushed: Flushed) -> str:
    facts: Any = flushed.facts
    points = facts["points"]
    where = f"{facts['host']}:{facts['port']}"
    if flushed.is_complete:
        return f"run {flushed.run}: {points['confirmed']} points sent to {where}"
    left = points["waiting"] + points["unconfirmed"]
    missing = "; missing: " + ", ".join(facts["read_back"]["missing"])
    return (
        f"run {flushed.run}: {left} of {points['offered']} points are still to be sent to {where}: "
        f"{points['last_error']}{missing if facts['read_back']['missing'] else ''}"
    )
