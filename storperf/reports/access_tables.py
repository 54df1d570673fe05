"""Tokens and the audit, for a terminal and as documents."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from storperf.model.access import AuditEntry, Token
from storperf.reports.clean import line
from storperf.reports.step_rows import NOTHING
from storperf.reports.table import when


def token_state(token: Token, now_s: float) -> str:
    """valid, expired or revoked."""
    if token.revoked_s is not None:
        return "revoked"
    is_over = token.expires_s is not None and token.expires_s < now_s
    return "expired" if is_over else "valid"


def token_document(token: Token, now_s: float) -> dict[str, object]:
    """A token as JSON values; times in epoch seconds.  Its digest stays in the store."""
    return {
        "id": token.id,
        "name": token.name,
        "scope": token.scope.value,
        "state": token_state(token, now_s),
        "created_s": token.created_s,
        "expires_s": token.expires_s,
        "revoked_s": token.revoked_s,
    }


def tokens_table(tokens: Sequence[Token], now_s: float) -> RenderableType:
    """A line a token, in the order given."""
    if not tokens:
        return Text("there are no tokens")
    table = _table("id", "name", "scope", "made (UTC)", "until (UTC)", "state")
    for token in tokens:
        ends = NOTHING if token.expires_s is None else when(token.expires_s)
        words = (token.id, token.name, token.scope.value, when(token.created_s), ends)
        table.add_row(*(Text(line(word)) for word in (*words, token_state(token, now_s))))
    return table


def audit_table(entries: Sequence[AuditEntry]) -> RenderableType:
    """A line an entry, in the order given."""
    if not entries:
        return Text("nothing was asked for")
    table = _table("when (UTC)", "who", "address", "what", "answer")
    for entry in entries:
        words = (when(entry.at_s), entry.who, entry.address, entry.what, entry.outcome)
        table.add_row(*(Text(line(word)) for word in words))
    return table


def _table(*headings: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for heading in headings:
        table.add_column(heading, overflow="fold")
    return table
