"""`token add|list|revoke` and `audit`: who may ask the service, and what was asked."""

from __future__ import annotations

import sys
import time
from enum import StrEnum
from typing import Annotated

import typer

from storperf.cli.options import JsonFlag, settings

app = typer.Typer(help="Tokens that open the service.", no_args_is_help=True)
audit_app = typer.Typer()


class TokenScope(StrEnum):
    """What a token is good for; each includes the ones before it."""

    READ = "read"
    RUN = "run"
    ADMIN = "admin"


@app.command("add")
def add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Who or what will use it.")],
    scope: Annotated[
        TokenScope, typer.Option("--scope", help="What it is good for; each includes the former.")
    ] = TokenScope.READ,
    expires: Annotated[
        str | None,
        typer.Option(
            "--expires",
            metavar="DURATION",
            help="For how long, such as 90d. Default: until it is revoked.",
            show_default=False,
        ),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Make a token and print it; it cannot be shown again."""
    from storperf import service, tokens
    from storperf.cli.output import print_json
    from storperf.errors import UsageError
    from storperf.model.access import Scope
    from storperf.units import parse_duration_s

    try:
        lasts_s = None if expires is None else parse_duration_s(expires)
    except ValueError as error:
        raise UsageError(f"--expires {error}") from error
    ends_s = None if lasts_s is None else time.time() + lasts_s
    with service.open_store(settings(context)) as store:
        made, secret = tokens.add_token(store, name, Scope(scope.value), expires_s=ends_s)
    if as_json:
        print_json({"schema": "storperf-token/1", "id": made.id, "token": secret})
        return
    sys.stderr.write(f"token {made.id} ({made.scope}); it is shown this once:\n")
    sys.stdout.write(f"{secret}\n")


@app.command("list")
def list_tokens(context: typer.Context, as_json: JsonFlag = False) -> None:
    """List the tokens: whose they are, what they are good for, until when.  Never the secret."""
    from storperf import service
    from storperf.cli.output import print_json, stdout_console
    from storperf.reports.access_tables import token_document, tokens_table

    with service.open_store(settings(context)) as store:
        found = store.tokens()
    now_s = time.time()
    if as_json:
        documents = [token_document(each, now_s) for each in found]
        print_json({"schema": "storperf-tokens/1", "tokens": documents})
    else:
        stdout_console().print(tokens_table(found, now_s))


@app.command("revoke")
def revoke(
    context: typer.Context,
    token: Annotated[str, typer.Argument(metavar="ID", help="As `token list` shows it.")],
) -> None:
    """Take a token back: from now on it opens nothing, nor do its sessions in browsers."""
    from storperf import service, tokens

    with service.open_store(settings(context)) as store:
        tokens.revoke(store, token)
    sys.stderr.write(f"revoked {token}\n")


@audit_app.callback(invoke_without_command=True)
def audit(
    context: typer.Context,
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many.")] = 100,
    as_json: JsonFlag = False,
) -> None:
    """List what the service was asked to change and what it refused, the newest first."""
    if context.invoked_subcommand is not None:
        return
    from storperf import service
    from storperf.cli.output import print_json, stdout_console
    from storperf.reports.access_tables import audit_table

    with service.open_store(settings(context)) as store:
        found = store.audit(limit=limit)
    if as_json:
        print_json({"schema": "storperf-audit/1", "entries": found})
    else:
        stdout_console().print(audit_table(found))


@audit_app.command("prune")
def prune_audit(
    context: typer.Context,
    older_than: Annotated[str, typer.Option(help="Entries that are older than this: 365d.")],
    as_json: JsonFlag = False,
) -> None:
    """Forget what was asked for longer ago; the server's `keep_audit` does so by itself."""
    from storperf import service
    from storperf.cli.output import print_json
    from storperf.errors import UsageError
    from storperf.units import parse_duration_s

    try:
        age_s = parse_duration_s(older_than)
    except ValueError as error:
        raise UsageError(f"--older-than {error}") from error
    with service.open_store(settings(context)) as store:
        gone = store.prune_audit(before_s=time.time() - age_s)
    if as_json:
        print_json({"schema": "storperf-audit-pruned/1", "pruned": gone})
    else:
        sys.stdout.write(f"{gone} entries removed\n")
