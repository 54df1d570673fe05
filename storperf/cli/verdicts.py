"""`verdict explain`: how a run came to its word."""

from __future__ import annotations

import sys

import typer

from storperf.cli.options import JsonFlag, RunArgument, settings

app = typer.Typer(name="verdict", help="How a run came to its verdict.", no_args_is_help=True)


@app.callback()
def verdict() -> None:
    """How a run came to its verdict."""


@app.command("explain")
def explain(
    context: typer.Context, run_text: RunArgument = "last", as_json: JsonFlag = False
) -> None:
    """Walk through a run's verdict with all its numbers, so that it can be checked by hand."""
    from storperf import service
    from storperf.cli.output import print_json, tolerating_closed_stdout
    from storperf.errors import Conflict
    from storperf.reports.clean import fit
    from storperf.reports.document import plain
    from storperf.reports.explanation import explanation, explanation_text
    from storperf.reports.verdict_document import verdict_document

    result = service.show(settings(context), run_text)
    run = result.run
    if result.verdict is None:
        raise Conflict(f"run {run.id} was not judged: it is {run.state}")
    sections = explanation(result, result.verdict)
    with tolerating_closed_stdout():
        if as_json:
            document = {
                "schema": "storperf-explanation/1",
                "run": run.id,
                "job": run.job_name,
                "lab": run.lab,
                "sections": [{"title": each.title, "lines": each.lines} for each in sections],
                "verdict": verdict_document(result.verdict),
            }
            print_json(plain(document))
        else:
            sys.stdout.write(f"run {run.id}, {fit(run.job_name)} in lab {fit(run.lab)}\n\n")
            sys.stdout.write(explanation_text(sections))
