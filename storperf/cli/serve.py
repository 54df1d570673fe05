"""`serve`: the service and its queue."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from storperf.cli.options import settings


def serve(  # noqa: PLR0913, PLR0917 - an option each
    context: typer.Context,
    config: Annotated[
        Path | None,
        typer.Option(
            "--config",
            help="The server's configuration. Default: ~/.config/storperf/serve.yaml, if it is "
            "there.",
            show_default=False,
        ),
    ] = None,
    host: Annotated[
        str | None,
        typer.Option(
            help="The address to listen on. Default: 127.0.0.1, or what the configuration says.",
            show_default=False,
        ),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=65535,
            help="0 is any free one. Default: 5000, or what the configuration says.",
            show_default=False,
        ),
    ] = None,
    unix_socket: Annotated[
        Path | None,
        typer.Option("--socket", help="A Unix socket to listen on instead.", show_default=False),
    ] = None,
    at_once: Annotated[
        int | None,
        typer.Option(
            "--runs-at-once",
            min=1,
            help="At most so many runs at the same time. Default: 4, or what the configuration "
            "says.",
            show_default=False,
        ),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Look at the configuration, and serve nothing.")
    ] = False,
) -> None:
    """Serve the API and work the queue until SIGTERM; runs that go on are taken over next time."""
    from dataclasses import replace

    from storperf.web.configuration_file import load_configuration
    from storperf.web.serving import check_files
    from storperf.web.serving import serve as serve_here

    chosen = settings(context)
    read = load_configuration(chosen, config)
    configuration = replace(
        read,
        host=read.host if host is None else host,
        port=read.port if port is None else port,
        socket=read.socket if unix_socket is None else chosen.directory / unix_socket,
        runs_at_once=read.runs_at_once if at_once is None else at_once,
    )
    if check:
        check_files(configuration)
        sys.stderr.write("the configuration can be used\n")
    else:
        serve_here(chosen, configuration)
