"""`serve`: the service and its queue."""

from __future__ import annotations

from typing import Annotated

import typer

from storperf.cli.options import settings


def serve(
    context: typer.Context,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 is any free one.")] = 5000,
    at_once: Annotated[
        int, typer.Option("--runs-at-once", min=1, help="At most so many runs at the same time.")
    ] = 4,
) -> None:
    """Serve the API and work the queue until SIGTERM; runs that go on are taken over next time."""
    from storperf.web.serving import serve as serve_here

    serve_here(settings(context), host=host, port=port, at_once=at_once)
