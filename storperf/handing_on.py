"""The use cases of systems that want to know how a run ended: Yardstick, QTIP, OPNFV's TestAPI.

Like `service`: CLI and web know only these functions; what goes wrong is a StorperfError.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from storperf import service
from storperf.errors import DeliveryError, UsageError
from storperf.hooks.criteria import is_undecided, verdict_facts
from storperf.hooks.opnfv_result import opnfv_result
from storperf.hooks.opnfv_server import post_result, results_address
from storperf.hooks.outbox import Letter, LetterState, Outbox, new_letter
from storperf.hooks.qtip import Method, StorageIndex, storage_index
from storperf.hooks.qtip_figures import accepted_figures, report_figures, run_figures
from storperf.hooks.yardstick import Place, yardstick_document
from storperf.model.result import RunResult
from storperf.run_results import load_result
from storperf.settings import Settings

OUTBOX = "outbox"


class Undecided(StrEnum):
    """What becomes of a run that is neither a pass nor a fail, where only these two are known."""

    FAIL = "fail"
    SKIP = "skip"


def yardstick(
    settings: Settings, run_text: str, place: Place, *, case: str, undecided: Undecided
) -> dict[str, Any] | None:
    """Yardstick's result document of a run; None for one that is left out as undecided."""
    result = service.show(settings, run_text)
    return None if _is_left_out(result, undecided) else yardstick_document(result, place, case)


def opnfv_document(  # noqa: PLR0913 - what a result is known by
    settings: Settings,
    run_text: str,
    place: Place,
    *,
    project: str,
    case: str,
    undecided: Undecided,
) -> tuple[str, dict[str, Any] | None]:
    """The run's id and its document for the TestAPI; None for one that is left out."""
    result = service.show(settings, run_text)
    if _is_left_out(result, undecided):
        return result.run.id, None
    return result.run.id, opnfv_result(result, place, project=project, case=case)


def push(  # noqa: PLR0913 - what is sent, and how
    settings: Settings,
    run: str,
    document: dict[str, Any],
    *,
    url: str,
    patience_s: float,
    again: bool,
) -> tuple[Letter, ...]:
    """Send a result to a TestAPI, and keep it until it is taken; gives what came of it.

    One that was taken is not sent a second time, unless `again`.  Where it is taken, whatever else
    waits for the same address goes too.
    """
    letter = new_letter(results_address(url), run, document)
    box = Outbox(settings.results / OUTBOX)
    with box.held():
        known = box.find(letter.id)
        if known is not None and known.state is LetterState.SENT and not again:
            return (known,)
        # On disk first: whatever happens from here on, the result is not lost.
        box.keep(letter)
        sent = _send(box, letter, patience_s)
        if sent.state is not LetterState.SENT:
            return (sent,)
        others = [each for each in box.waiting() if each.url == letter.url]
        return (sent, *(_send(box, each, patience_s) for each in others))


def flush(settings: Settings, patience_s: float) -> tuple[Letter, ...]:
    """Send every letter that waits, the oldest run first; what was refused is left alone."""
    box = Outbox(settings.results / OUTBOX)
    with box.held():
        return tuple(_send(box, letter, patience_s) for letter in box.waiting())


def _send(box: Outbox, letter: Letter, patience_s: float) -> Letter:
    try:
        href = post_result(letter.url, letter.document, patience_s)
    except DeliveryError as error:
        state = LetterState.WAITING if error.is_passing else LetterState.REFUSED
        sent = replace(letter, state=state, said=error.message)
    else:
        sent = replace(letter, state=LetterState.SENT, href=href, said="")
    box.keep(sent)
    return sent


def _is_left_out(result: RunResult, undecided: Undecided) -> bool:
    return is_undecided(result) and undecided is Undecided.SKIP


# --- QTIP ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Indexed:
    """QTIP's index with what it is of; `verdict` is None for a report of the earlier StorPerf."""

    index: StorageIndex
    run: str
    baseline: str
    verdict: dict[str, object] | None


def qtip(settings: Settings, run_text: str, baseline: str | None, method: Method) -> Indexed:
    """The storage index of a run beside a baseline.

    Both may be a run or the file of an earlier StorPerf's report.  Without a baseline it is what
    the run was judged against: its job's accepted runs.  UsageError when that holds nothing.
    """
    path, other = settings.directory / run_text, settings.directory / (baseline or "")
    with service.open_store(settings) as store:
        if path.is_file():
            if baseline is None:
                raise UsageError("a report needs a --baseline: a run, or another report")
            run, figures, facts = run_text, report_figures(path), None
        else:
            result = load_result(store, store.resolve(run_text).id)
            run, figures, facts = result.run.id, run_figures(result), verdict_facts(result)
        if baseline is None:
            name, against = "accepted runs", accepted_figures(store, result)
        elif other.is_file():
            name, against = baseline, report_figures(other)
        else:
            judged_against = load_result(store, store.resolve(baseline).id)
            name, against = judged_against.run.id, run_figures(judged_against)
    if not against:
        raise UsageError(f"the baseline of {run} ({name}) holds no figures; name one: --baseline")
    return Indexed(
        index=storage_index(figures, against, method), run=run, baseline=name, verdict=facts
    )
