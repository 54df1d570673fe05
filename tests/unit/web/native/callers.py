"""Callers of a test's application."""

from __future__ import annotations

from storperf import service
from storperf.model.access import Token
from storperf.tokens import digest_of


def as_caller(client, settings, scope):
    """The same client with a token of that scope."""
    with service.open_store(settings) as store:
        store.add_token(
            Token(
                id=f"token-{scope}",
                name=f"the {scope}er",
                digest=digest_of(f"secret of {scope}"),
                scope=scope,
                created_s=1.0,
            )
        )
    client.headers["Authorization"] = f"Bearer secret of {scope}"
    return client
