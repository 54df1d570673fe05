"""`hook yardstick|qtip|testapi`: a run in the words of systems that know PASS and FAIL."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from storperf.cli.options import JsonFlag, RunArgument, settings

if TYPE_CHECKING:
    from storperf.hooks.outbox import Letter

app = typer.Typer(
    name="hook",
    help="Hand a run's verdict on to systems that know only PASS and FAIL.",
    no_args_is_help=True,
)


class Undecided(StrEnum):
    """What becomes of a run that is neither a pass nor a fail."""

    FAIL = "fail"
    SKIP = "skip"


UndecidedOption = Annotated[
    Undecided,
    typer.Option(
        "--undecided",
        help="A run that is inconclusive, cancelled or cut off is never PASS: hand it on as FAIL "
        "with its verdict beside it (`fail`), or not at all (`skip`).",
    ),
]
PodOption = Annotated[str, typer.Option("--pod", envvar="NODE_NAME", help="The lab's machines.")]
InstallerOption = Annotated[
    str, typer.Option("--installer", envvar="INSTALLER_TYPE", help="What installed the cloud.")
]
BranchOption = Annotated[
    str, typer.Option("--branch", envvar="YARDSTICK_BRANCH", help="The version under test.")
]
LayoutOption = Annotated[
    str, typer.Option("--scenario", envvar="DEPLOY_SCENARIO", help="How the cloud was deployed.")
]
BuildTagOption = Annotated[
    str, typer.Option("--build-tag", envvar="BUILD_TAG", help="The build that asked for the run.")
]
OutputOption = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="FILE", help="Write it there, not to stdout."),
]


@app.command("yardstick")
def yardstick(  # noqa: PLR0913, PLR0917 - an option each
    context: typer.Context,
    run_text: RunArgument = "last",
    case: Annotated[
        str, typer.Option("--case", help="The name of the test case.")
    ] = "opnfv_yardstick_tc074",
    pod: PodOption = "unknown",
    installer: InstallerOption = "unknown",
    branch: BranchOption = "unknown",
    scenario: LayoutOption = "unknown",
    undecided: UndecidedOption = Undecided.FAIL,
    output: OutputOption = None,
) -> None:
    """Write a run's result as Yardstick writes its own (JSON).

    Criteria, figures, and everything that is broken in one message.
    """
    from storperf import handing_on
    from storperf.hooks.yardstick import Place
    from storperf.store.faults import file_faults

    place = Place(pod=pod, installer=installer, version=branch, scenario=scenario)
    word = handing_on.Undecided(undecided.value)
    document = handing_on.yardstick(settings(context), run_text, place, case=case, undecided=word)
    if document is not None:
        _write(document, output)
        return
    _say_left_out()
    if output is not None:
        # Another run's PASS must not be taken for this one's.
        with file_faults("remove what an earlier run left", output):
            output.unlink(missing_ok=True)


@app.command("qtip")
def qtip(
    context: typer.Context,
    run_text: Annotated[
        str,
        typer.Argument(
            metavar="RUN", help="A run, or the file of a report of the earlier StorPerf."
        ),
    ] = "last",
    baseline: Annotated[
        str | None,
        typer.Option(
            "--baseline",
            metavar="RUN",
            help="What it is divided by: a run, or the file of a report. "
            "Default: the accepted runs of its job.",
            show_default=False,
        ),
    ] = None,
    compat: Annotated[
        bool,
        typer.Option(
            "--compat",
            help="As QTIP's published program computes: arithmetic means over its own expressions, "
            "which take `rw` for sequential and count the warm-up.",
        ),
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Compute QTIP's storage index: 2048 is as fast as the baseline.

    Exit code 3: there is none, for a section has no figure.
    """
    from storperf import handing_on
    from storperf.cli.output import print_json, stdout_console
    from storperf.errors import ExitCode
    from storperf.hooks.qtip import Method
    from storperf.hooks.qtip_document import index_document, index_lines

    method = Method.COMPAT if compat else Method.DESCRIBED
    found = handing_on.qtip(settings(context), run_text, baseline, method)
    if as_json:
        print_json(
            index_document(
                found.index, run=found.run, baseline=found.baseline, verdict=found.verdict
            )
        )
    else:
        for text in index_lines(found.index, found.verdict):
            stdout_console().print(text, markup=False, soft_wrap=True)
    if found.index.value is None:
        raise typer.Exit(ExitCode.INCONCLUSIVE)


@app.command("testapi")
def push_result(  # noqa: PLR0913, PLR0917 - an option each
    context: typer.Context,
    run_text: RunArgument = "last",
    url: Annotated[
        str | None,
        typer.Option(
            "--url", envvar="TEST_DB_URL", help="The TestAPI, as http://HOST/test/api/v1."
        ),
    ] = None,
    project: Annotated[str, typer.Option("--project", help="The project there.")] = "storperf",
    case: Annotated[str, typer.Option("--case", help="The case there.")] = "snia_steady_state",
    pod: PodOption = "unknown",
    installer: InstallerOption = "unknown",
    branch: BranchOption = "unknown",
    scenario: LayoutOption = "unknown",
    build_tag: BuildTagOption = "none",
    undecided: UndecidedOption = Undecided.FAIL,
    patience: Annotated[
        str, typer.Option("--patience", help="How long a server that is away is asked again.")
    ] = "30s",
    flush: Annotated[
        bool, typer.Option("--flush", help="Send what was kept while the server was away.")
    ] = False,
    again: Annotated[
        bool, typer.Option("--again", help="Send it also when the server has it already.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only print what would be sent.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Push a run's result to an OPNFV TestAPI, once.

    While the server is away the result is kept, for `--flush` or another try (exit code 4).
    What it refuses for good, such as a case that is not registered there, ends with exit code 2.
    """
    from storperf import handing_on
    from storperf.errors import UsageError
    from storperf.hooks.yardstick import Place

    chosen = settings(context)
    patience_s = _duration_s(patience)
    if flush:
        _tell(list(handing_on.flush(chosen, patience_s)), as_json=as_json)
        return
    run, document = handing_on.opnfv_document(
        chosen,
        run_text,
        Place(pod=pod, installer=installer, version=branch, scenario=scenario, build_tag=build_tag),
        project=project,
        case=case,
        undecided=handing_on.Undecided(undecided.value),
    )
    if document is None:
        _say_left_out()
    elif dry_run:
        _write(document, None)
    elif url is None:
        raise UsageError("say where to with --url, or in $TEST_DB_URL")
    else:
        sent = handing_on.push(chosen, run, document, url=url, patience_s=patience_s, again=again)
        _tell(sent, as_json=as_json)


def _tell(letters: Sequence[Letter], *, as_json: bool) -> None:
    """What became of each letter, and the exit code of the worst."""
    from storperf.cli.output import print_json, stdout_console
    from storperf.errors import ExitCode, worst
    from storperf.hooks.outbox import LetterState

    codes = {
        LetterState.SENT: ExitCode.PASS,
        LetterState.WAITING: ExitCode.INFRASTRUCTURE,
        LetterState.REFUSED: ExitCode.USAGE,
    }
    if as_json:
        keys = ("run", "url", "state", "href", "said")
        told = [{key: getattr(letter, key) for key in keys} for letter in letters]
        print_json({"schema": "storperf-handed-on/1", "letters": told})
    else:
        for letter in letters:
            stdout_console().print(_words(letter), markup=False, soft_wrap=True)
    if letters:
        code = worst([codes[letter.state] for letter in letters])
        if code is not ExitCode.PASS:
            raise typer.Exit(code)


def _words(letter: Letter) -> str:
    from storperf.hooks.outbox import LetterState

    words = {
        LetterState.SENT: f"{letter.href} has it",
        LetterState.WAITING: f"{letter.said}; it is kept: storperf hook testapi --flush sends it",
        LetterState.REFUSED: f"{letter.said}; it is kept, and sent again only when you push it",
    }
    return f"{letter.run}: {words[letter.state]}"


def _write(document: dict[str, Any], output: Path | None) -> None:
    """The document on stdout, or whole in a file."""
    from storperf.cli.output import print_json
    from storperf.store.atomic import replacing

    if output is None:
        print_json(document)
        return
    text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)
    with replacing(output) as file:
        file.write(f"{text}\n".encode())


def _say_left_out() -> None:
    sys.stderr.write("hook: the run is neither pass nor fail; nothing was handed on\n")


def _duration_s(text: str) -> float:
    from storperf.errors import UsageError
    from storperf.units import parse_duration_s

    try:
        return parse_duration_s(text)
    except ValueError as error:
        raise UsageError(str(error)) from error
