"""`baseline show|set|pin|anchor|clear|export|import|extract`: what runs are judged against."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from storperf.cli.options import (
    FromOption,
    GraphiteOption,
    JsonFlag,
    LabOption,
    RunArgument,
    UntilOption,
    epoch_of,
    settings,
    user,
)

app = typer.Typer(help="What runs are judged against.", no_args_is_help=True)

JobArgument = Annotated[str, typer.Argument(metavar="JOB", help="The job's name.")]
KeyOption = Annotated[
    Path | None,
    typer.Option(
        "--key-file",
        metavar="KEY",
        help="A file of at least 16 secret bytes: sign the file with it, or demand its signature.",
        show_default=False,
    ),
]
WhyOption = Annotated[str, typer.Option("--why", help="The reason; it is kept.")]


@app.command("show")
def show(
    context: typer.Context, job: JobArgument, lab: LabOption = "local", as_json: JsonFlag = False
) -> None:
    """Show which runs are a job's baseline, and by whose word."""
    from storperf import anchoring, baselines
    from storperf.cli.output import print_json, stdout_console
    from storperf.reports.table import baseline_table

    entries = baselines.entries(settings(context), lab, job)
    anchors = anchoring.anchors(settings(context), lab, job)
    if as_json:
        print_json({"schema": "storperf-baseline/1", "entries": entries, "anchors": anchors})
    else:
        stdout_console().print(baseline_table(entries, anchors))


@app.command("set")
def set_run(
    context: typer.Context,
    run_text: RunArgument,
    why: WhyOption = "accepted by a person",
    as_json: JsonFlag = False,
) -> None:
    """Accept a run into its baseline, whatever its verdict was."""
    from storperf import baselines
    from storperf.cli.output import print_json, stdout_console

    entries = baselines.accept(settings(context), run_text, who=user(), why=why)
    if as_json:
        print_json({"schema": "storperf-baseline/1", "entries": entries})
    else:
        stdout_console().print(f"{entries[0].run} is accepted for {len(entries)} steps")


@app.command("pin")
def pin(
    context: typer.Context,
    run_text: RunArgument,
    why: WhyOption = "pinned by a person",
    as_json: JsonFlag = False,
) -> None:
    """Let the pinned runs alone count from now on, however old they are."""
    _pin(context, run_text, why, as_json=as_json, pinned=True)


@app.command("unpin")
def unpin(
    context: typer.Context,
    run_text: RunArgument,
    why: WhyOption = "unpinned by a person",
    as_json: JsonFlag = False,
) -> None:
    """Let the run count like any other again."""
    _pin(context, run_text, why, as_json=as_json, pinned=False)


def _pin(context: typer.Context, run_text: str, why: str, *, as_json: bool, pinned: bool) -> None:
    from storperf import baselines
    from storperf.cli.output import print_json, stdout_console

    entries = baselines.pin(settings(context), run_text, who=user(), why=why, pinned=pinned)
    if as_json:
        print_json({"schema": "storperf-baseline/1", "entries": entries})
        return
    words = "pinned: only pinned runs count" if pinned else "not pinned any more"
    stdout_console().print(f"{entries[0].run} is {words}, for {len(entries)} steps")


@app.command("anchor")
def anchor(
    context: typer.Context,
    run_text: RunArgument,
    why: WhyOption = "a change of level that a person confirmed",
    step: Annotated[str | None, typer.Option(help="Only this step.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Let the baseline begin anew with a run: the level changed, and is meant to stay.

    The run is accepted, whatever its verdict was; accepted runs before it count no more, unless
    they are pinned.
    """
    from storperf import anchoring
    from storperf.cli.output import print_json, stdout_console

    found = anchoring.anchor(settings(context), run_text, step, who=user(), why=why)
    if as_json:
        print_json({"schema": "storperf-anchors/1", "anchors": found})
    else:
        words = f"the baseline of {len(found)} steps begins anew with {found[0].run}"
        stdout_console().print(words, markup=False)


@app.command("unanchor")
def unanchor(  # noqa: PLR0913, PLR0917 - an option each
    context: typer.Context,
    job: JobArgument,
    lab: LabOption = "local",
    step: Annotated[str | None, typer.Option(help="Only this step.")] = None,
    why: WhyOption = "taken back by a person",
    as_json: JsonFlag = False,
) -> None:
    """Let the accepted runs before a change of level count again."""
    from storperf import anchoring
    from storperf.cli.output import print_json, stdout_console

    found = anchoring.unanchor(settings(context), lab, job, step, who=user(), why=why)
    if as_json:
        print_json({"schema": "storperf-anchors/1", "anchors": found})
    else:
        stdout_console().print(f"all accepted runs of {len(found)} steps count again")


@app.command("clear")
def clear(  # noqa: PLR0913, PLR0917 - an option each
    context: typer.Context,
    job: JobArgument,
    lab: LabOption = "local",
    step: Annotated[str | None, typer.Option(help="Only this step.")] = None,
    why: WhyOption = "cleared by a person",
    as_json: JsonFlag = False,
) -> None:
    """Take every run out of a job's baseline; the runs themselves stay."""
    from storperf import baselines
    from storperf.cli.output import print_json, stdout_console

    cleared = baselines.clear(settings(context), lab, job, step, who=user(), why=why)
    if as_json:
        print_json({"schema": "storperf-baseline-cleared/1", "cleared": cleared})
    else:
        stdout_console().print(f"{cleared} places cleared; the next clean run starts it anew")


@app.command("export")
def export_file(
    context: typer.Context,
    job: JobArgument,
    lab: LabOption = "local",
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Write it there, not to stdout."),
    ] = None,
    key_file: KeyOption = None,
) -> None:
    """Write a job's accepted runs as one file (JSON), to be kept in git or with a build."""
    from storperf import baselines
    from storperf.store.atomic import replacing

    text = baselines.export_file(settings(context), lab, job, key_file)
    if output is None:
        sys.stdout.write(text)
        return
    with replacing(output) as file:
        file.write(text.encode())


@app.command("import")
def import_file(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `export` wrote.")],
    key_file: KeyOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Take the runs of such a file into the store, and judge new ones by them.

    A damaged file is refused, and with a key one that was not signed by it.
    """
    from storperf import baselines
    from storperf.cli.output import print_json, stdout_console

    taken = baselines.import_file(settings(context), file, key_file, who=user())
    if as_json:
        print_json({"schema": "storperf-baseline-imported/1", "runs": taken})
        return
    for run in taken:
        words = "taken" if run.state == "added" else "there already, accepted"
        stdout_console().print(f"{run.run}: {words} for {run.places} steps", markup=False)


@app.command("extract")
def extract(  # noqa: PLR0913, PLR0917 - an option each
    context: typer.Context,
    job: Annotated[
        str,
        typer.Option(
            "--job", help="The job file of the run, or the name of a job that was run here too."
        ),
    ],
    run: Annotated[
        str | None,
        typer.Option("--run", metavar="RUN", help="The run's whole id.", show_default=False),
    ] = None,
    since: FromOption = None,
    until: UntilOption = None,
    lab: Annotated[
        str | None, typer.Option("--lab", help="The lab of the job.", show_default=False)
    ] = None,
    graphite: GraphiteOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Make earlier runs again from their points in Graphite alone, and judge new ones by them.

    What can no longer be judged, because only coarser points are left, is named and left out.
    Exit code 0: every run was extracted, or was there already; 3: of one nothing can be judged any
    more.
    """
    from storperf import graphs
    from storperf.cli.output import print_json, stdout_console
    from storperf.errors import ExitCode
    from storperf.reports.extract_table import extract_document, extract_table

    now_s = time.time()
    outcomes = graphs.extract_baseline(
        settings(context),
        graphite=graphite,
        job=job,
        lab=lab,
        run=run,
        from_s=epoch_of("--from", since, now_s),
        until_s=epoch_of("--until", until, now_s),
        who=user(),
    )
    if as_json:
        print_json(extract_document(outcomes))
    else:
        stdout_console().print(extract_table(outcomes))
    if any(outcome.state == "refused" for outcome in outcomes):
        raise typer.Exit(ExitCode.INCONCLUSIVE)
