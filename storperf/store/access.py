"""Who may ask, what was asked, which hosts an admin vouched for, and stored job files."""

from __future__ import annotations

import sqlalchemy as sa

from storperf.errors import UnknownName
from storperf.model.access import AuditEntry, Scope, Token
from storperf.model.queued import StoredJob
from storperf.store import schema
from storperf.store.database import Database, insert_new, upsert

_TOKENS = schema.tokens
_AUDIT = schema.audit
_PINS = schema.host_pins
_JOBS = schema.stored_jobs


class AccessRows:
    """The part of Store that knows callers."""

    _database: Database

    def add_token(self, token: Token) -> None:
        """Keep a new token."""
        row = {name: getattr(token, name) for name in Token.__slots__}
        with self._database.write() as connection:
            connection.execute(sa.insert(_TOKENS).values(row | {"scope": token.scope.value}))

    def token_of(self, digest: str) -> Token | None:
        """The token whose secret has that SHA-256; None when there is none."""
        with self._database.read() as connection:
            row = (
                connection.execute(sa.select(_TOKENS).where(_TOKENS.c.digest == digest))
                .mappings()
                .first()
            )
        return None if row is None else Token(**{**row, "scope": Scope(row["scope"])})

    def tokens(self) -> tuple[Token, ...]:
        """All of them, oldest first."""
        found = sa.select(_TOKENS).order_by(_TOKENS.c.created_s, _TOKENS.c.id)
        with self._database.read() as connection:
            rows = connection.execute(found).mappings()
            return tuple(Token(**{**row, "scope": Scope(row["scope"])}) for row in rows)

    def forget_tokens_expired_before(self, at_s: float, *, like: str) -> None:
        """Forget tokens whose id is like that and whose time was over by then (epoch seconds)."""
        with self._database.write() as connection:
            connection.execute(
                sa.delete(_TOKENS).where(_TOKENS.c.id.like(like), _TOKENS.c.expires_s < at_s)
            )

    def revoke_token(self, token_id: str, *, at_s: float) -> None:
        """From now on the token and its sessions open nothing; UnknownName when there is none."""
        with self._database.write() as connection:
            changed = connection.execute(
                sa.update(_TOKENS)
                .where(
                    (_TOKENS.c.id == token_id)
                    | _TOKENS.c.id.startswith(f"{token_id}.", autoescape=True)
                )
                .values(revoked_s=sa.func.coalesce(_TOKENS.c.revoked_s, at_s))
            )
        if not changed.rowcount:
            raise UnknownName(f"no token has the id {token_id}", token=token_id)

    def add_audit(self, entry: AuditEntry) -> None:
        """Keep what was asked for."""
        row = {name: getattr(entry, name) for name in AuditEntry.__slots__}
        with self._database.write() as connection:
            connection.execute(sa.insert(_AUDIT).values(row))

    def audit(self, *, limit: int = 100) -> tuple[AuditEntry, ...]:
        """What was asked for, newest first."""
        columns = [_AUDIT.c[name] for name in AuditEntry.__slots__]
        found = sa.select(*columns).order_by(_AUDIT.c.number.desc()).limit(limit)
        with self._database.read() as connection:
            return tuple(AuditEntry(**row) for row in connection.execute(found).mappings())

    def prune_audit(self, *, before_s: float) -> int:
        """Forget what was asked for earlier than that; how many entries went."""
        with self._database.write() as connection:
            gone = connection.execute(sa.delete(_AUDIT).where(_AUDIT.c.at_s < before_s))
        return gone.rowcount

    def pin_host(self, host: str, key_line: str, *, pinned_by: str, at_s: float) -> None:
        """Vouch for a host's key; an earlier one is replaced.  `host` is as in known_hosts."""
        row = {"host": host, "key_line": key_line, "pinned_by": pinned_by, "pinned_s": at_s}
        with self._database.write() as connection:
            upsert(connection, _PINS, [row])

    def pinned_hosts(self) -> dict[str, str]:
        """Key lines by host."""
        with self._database.read() as connection:
            rows = connection.execute(sa.select(_PINS.c.host, _PINS.c.key_line))
            return {row.host: row.key_line for row in rows}

    def unpin_host(self, host: str) -> None:
        """Vouch for a host no more; UnknownName when nobody did."""
        with self._database.write() as connection:
            gone = connection.execute(sa.delete(_PINS).where(_PINS.c.host == host))
        if not gone.rowcount:
            raise UnknownName(f"no key is pinned for {host}", host=host)

    def store_job(self, name: str, text: str, *, stored_by: str, at_s: float) -> StoredJob:
        """Keep a job file as the next version of its name; the same text again makes none."""
        found = sa.select(_JOBS).where(_JOBS.c.name == name).order_by(_JOBS.c.version.desc())
        while True:
            with self._database.write() as connection:
                newest = connection.execute(found.limit(1)).mappings().first()
                if newest is not None and newest["text"] == text:
                    return StoredJob(**newest)
                made = StoredJob(
                    name=name,
                    version=1 if newest is None else newest["version"] + 1,
                    text=text,
                    stored_by=stored_by,
                    stored_s=at_s,
                )
                row = {column: getattr(made, column) for column in StoredJob.__slots__}
                if insert_new(connection, _JOBS, row, "name", "version"):
                    return made
            # On PostgreSQL somebody else had the same version in hand: the next one is free.

    def stored_jobs(self, name: str | None = None) -> tuple[StoredJob, ...]:
        """Every version, by name, the newest first."""
        found = sa.select(_JOBS).order_by(_JOBS.c.name, _JOBS.c.version.desc())
        if name is not None:
            found = found.where(_JOBS.c.name == name)
        with self._database.read() as connection:
            return tuple(StoredJob(**row) for row in connection.execute(found).mappings())
