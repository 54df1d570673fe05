"""A key pair of SSH, as text."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPair:
    """`public` as known_hosts has it (`ssh-ed25519 AAAA...`); `private` is printed nowhere."""

    public: str
    private: str = field(repr=False)
