"""A self-contained HTML page: templates, scripts and a policy that lets nothing leave it."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import shlex
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from storperf.model.metric import METRICS
from storperf.reports.clean import fit, line
from storperf.reports.document import plain
from storperf.stats.wording import quantity, signed
from storperf.units import render_duration

FOLDER = Path(__file__).with_name("html_templates")

# What a script element may not hold as it is, and the two that end a line in old JavaScript.
_UNSAFE = {ord(each): f"\\u{ord(each):04x}" for each in "<>&\u2028\u2029"}


def render_page(template: str, script: str, **context: Any) -> str:
    """The whole page; `page_pieces` says what is in it."""
    return "".join(page_pieces(template, script, **context))


def page_pieces(
    template: str, script: str, *, has_plots: bool = True, **context: Any
) -> Iterator[str]:
    """The template with its styles and scripts, and plotly's with `has_plots`, piece by piece.

    Every value is escaped, and characters that could mislead the eye are replaced.  The page's
    own policy allows these scripts by their hash and no request at all.
    """
    ours = "\n".join(_text(name) for name in ("page.js", script))
    plotly_hash, plotly = _plotly() if has_plots else ("", "")
    hashes = f"'sha256-{_hash(ours.encode())}'"
    if has_plots:
        hashes += f" 'sha256-{plotly_hash}'"
    policy = (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; "
        "img-src data: blob:; base-uri 'none'; form-action 'none'"
    )
    return (
        page_environment()
        .get_template(template)
        .generate(
            policy=policy,
            style=Markup(_text("page.css")),  # noqa: S704 - a file of ours
            script=Markup(ours),  # noqa: S704 - a file of ours
            plotly=plotly,
            **context,
        )
    )


def script_json(value: Any) -> Markup:
    """The value as JSON that may stand inside a script element, whatever text it holds."""
    text = json.dumps(plain(value), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Markup(text.translate(_UNSAFE))  # noqa: S704 - nothing is left that ends the element


def when(epoch_s: float | None) -> str:
    """A time as people read it, in UTC, with its zone."""
    if epoch_s is None:
        return "-"
    return datetime.fromtimestamp(epoch_s, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def figure(metric: str, value: float | None) -> str:
    """A figure with its unit; `-` when there is none."""
    return "-" if value is None else quantity(METRICS[metric], value)


def page_environment(*folders: Path) -> jinja2.Environment:
    """What renders pages: every value is escaped, and may not mislead the eye.

    Templates come from `folders`, then from those of the reports.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader([*folders, FOLDER]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalised,
    )
    environment.filters |= {
        "script_json": script_json,
        "when": when,
        "iso": lambda epoch_s: datetime.fromtimestamp(epoch_s, UTC).isoformat(),
        "line": line,
        "duration": render_duration,
        "bytes": _bytes,
        "quoted": lambda text: shlex.quote(line(text)),
        "signed": signed,
        "words": lambda text: str(text).replace("_", " "),
    }
    environment.globals |= {"figure": figure, "metrics": METRICS}
    return environment


def _bytes(size_bytes: int) -> str:
    return f"{size_bytes} B" if size_bytes < 1024 else f"{size_bytes / 1024:.4g} KiB"


def _finalised(value: object) -> object:
    if value is None:
        return "-"
    if isinstance(value, str) and not isinstance(value, Markup):
        return fit(value)
    return value


@cache
def _plotly() -> tuple[str, str]:
    """Hash of plotly's script in the installed wheel, and the script as gzip in base64.

    Importing plotly itself would only cost time.
    """
    script = distribution("plotly").locate_file("plotly/package_data/plotly.min.js")
    digest, packed = hashlib.sha256(), io.BytesIO()
    with (
        Path(str(script)).open("rb") as content,
        gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=6, mtime=0, filename="") as packing,
    ):
        while piece := content.read(1 << 16):
            digest.update(piece)
            packing.write(piece)
    return _base64(digest.digest()), _base64(packed.getvalue())


def _text(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")


def _hash(content: bytes) -> str:
    return _base64(hashlib.sha256(content).digest())


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()
