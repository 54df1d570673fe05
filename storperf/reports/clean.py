"""Text from users, hosts and fio made harmless for what it is put into."""

from __future__ import annotations

import re

_MARK = "\N{REPLACEMENT CHARACTER}"
# Control characters but tab and line ends, halves of surrogate pairs, characters that turn
# the direction of writing, and the two that XML 1.0 never holds.
_UNFIT = re.compile(
    "[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)
_BLANKS = re.compile(r"[\s\u2028\u2029]+")
_MARKDOWN = re.compile(r"([\\`*_{}\[\]|#~$!@:])")
_ENTITIES = {ord("&"): "&amp;", ord("<"): "&lt;", ord(">"): "&gt;"}
# A spreadsheet takes a cell that begins so for a formula (owasp.org/www-community/attacks/
# CSV_Injection); a tab or a line end may stand before it.
_FORMULA = re.compile(r"[\s]*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r]")


def fit(text: str) -> str:
    """The text with every character that a terminal or XML could misuse replaced by U+FFFD.

    Line ends and tabs stay; carriage returns become line ends.
    """
    return _UNFIT.sub(_MARK, text.replace("\r\n", "\n").replace("\r", "\n"))


def line(text: str) -> str:
    """The text as one line without odd characters; runs of blanks become one blank."""
    return _BLANKS.sub(" ", fit(text)).strip()


def markdown(text: str) -> str:
    """The text for the inside of a line of Markdown: it is shown and does nothing else.

    Any ASCII punctuation may be escaped with a backslash (spec.commonmark.org); `<`, `>` and
    `&` become entities, for renderers that let HTML through.  At the start of a line words
    of ours stand before it, so that it makes no list and no heading.
    """
    return _MARKDOWN.sub(r"\\\1", line(text)).translate(_ENTITIES)


def markdown_block(text: str) -> str:
    """The text as a fenced block; the fence is longer than any in the text."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{fit(text).rstrip()}\n{fence}"


def cell(text: str) -> str:
    """The text as a CSV cell that no spreadsheet takes for a formula: `'` goes before it."""
    clean = fit(text)
    return f"'{clean}" if _FORMULA.match(clean) else clean
