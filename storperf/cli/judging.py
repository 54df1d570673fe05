"""`judge`: verdicts on plain numbers, without a run and without a store."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from storperf.cli.options import JsonFlag
from storperf.errors import UsageError

if TYPE_CHECKING:
    from storperf.model.decision import Decision

JsonLinesFlag = Annotated[
    bool, typer.Option("--json-lines", help="Print one JSON object a line, for each case.")
]


def judge(  # noqa: PLR0913, PLR0917 - an option each
    baseline: Annotated[
        str | None,
        typer.Option(
            "--baseline",
            metavar="FILE",
            help="Values of accepted runs, oldest first: one a line, or CSV columns "
            "`metric,value`. `-` is standard input, here and below.",
        ),
    ] = None,
    candidate: Annotated[
        str | None,
        typer.Option(
            "--candidate",
            metavar="FILE",
            help="Values of the runs to judge, in the same form; several are one session's.",
        ),
    ] = None,
    pairs: Annotated[
        str | None,
        typer.Option(
            "--pairs",
            metavar="FILE",
            help="Interleaved pairs that may confirm a suspicion: columns "
            "`reference,candidate`, or `metric,reference,candidate`.",
        ),
    ] = None,
    cases: Annotated[
        str | None,
        typer.Option(
            "--cases",
            metavar="FILE",
            help="Many independent cases: columns `case,role,idx,value` and perhaps "
            "`prior_spread`; roles base, cand, fresh_base.",
        ),
    ] = None,
    prior_spread: Annotated[
        float | None,
        typer.Option(
            "--prior-spread",
            metavar="SHARE",
            help="How much runs are known to scatter, as a share: 0.024 is 2.4 %.",
            show_default=False,
        ),
    ] = None,
    lower_is_better: Annotated[
        bool,
        typer.Option(
            "--lower-is-better",
            help="More is worse, as for latencies. A metric that has one of this project's names "
            "(iops, clat_p99 ...) knows it by itself.",
        ),
    ] = False,
    primary: Annotated[
        str | None,
        typer.Option(
            "--primary",
            metavar="METRIC",
            help="The metric that decides for itself; the others share one false-alarm rate. "
            "Default: the first.",
            show_default=False,
        ),
    ] = None,
    together: Annotated[
        bool,
        typer.Option(
            "--together",
            help="With --cases: they are the cells of one run, and share one false-alarm rate.",
        ),
    ] = False,
    as_json: JsonFlag = False,
    as_json_lines: JsonLinesFlag = False,
) -> None:
    """Judge plain numbers: a candidate's runs against a baseline's, or against fresh pairs."""
    from storperf.cli.output import tolerating_closed_stdout
    from storperf.plain_numbers import judge_files, judge_table
    from storperf.reports.decisions import exit_code

    files = (baseline, candidate, pairs)
    _refuse_a_mixture(cases, files, together=together)
    if prior_spread is not None and not 0 < prior_spread < 1:
        raise UsageError(f"--prior-spread {prior_spread:g} is no share: 2.4 % is 0.024")
    if cases is not None:
        if prior_spread is not None or primary is not None:
            raise UsageError("--cases has a column prior_spread, and a metric in each case")
        found = judge_table(cases, lower_is_better=lower_is_better, together=together)
    else:
        found = judge_files(
            baseline=baseline,
            candidate=candidate,
            pairs=pairs,
            prior_spread=prior_spread,
            lower_is_better=lower_is_better,
            primary=primary,
        )
    with tolerating_closed_stdout():
        _print(found, of_cases=cases is not None, as_json=as_json, as_json_lines=as_json_lines)
    raise typer.Exit(exit_code(found))


def _refuse_a_mixture(cases: str | None, files: Sequence[str | None], *, together: bool) -> None:
    baseline, candidate, pairs = files
    if cases is not None:
        if any(file is not None for file in files):
            raise UsageError("--cases stands alone: it has baseline, candidates and pairs in it")
    elif together:
        raise UsageError("--together is for --cases; the metrics of files are judged together")
    elif pairs is None and (baseline is None or candidate is None):
        raise UsageError("give --baseline and --candidate, or --pairs, or --cases")


def _print(
    found: Sequence[Decision], *, of_cases: bool, as_json: bool, as_json_lines: bool
) -> None:
    from storperf.cli.output import print_json
    from storperf.reports.decisions import (
        case_document,
        cases_document,
        decision_lines,
        judgement_document,
    )

    if as_json_lines:
        print_json_lines(case_document(each) for each in found)
    elif as_json:
        print_json((cases_document if of_cases else judgement_document)(found))
    else:
        sys.stdout.writelines(f"{line}\n" for line in decision_lines(found))


def print_json_lines(documents: Iterable[dict[str, Any]]) -> None:
    """One JSON document a line on stdout."""
    for document in documents:
        sys.stdout.write(json.dumps(document, ensure_ascii=False, allow_nan=False) + "\n")
