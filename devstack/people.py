"""The people of the development setup, and tokens for them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from devstack.errors import DevStackError
from devstack.folder import ISSUER as ISSUER_FOLDER
from devstack.gateways import CLIENT_ID, ISSUER
from devstack.issuer import KEY_FILE, DevelopmentIssuer
from gateway import clock
from gateway.principal import Principal, Role

TOKEN_TTL: Final = 8 * 3600.0

_NAMES: Final = {
    Role.MENTOR: "Meera (mentor)",
    Role.STUDENT: "Sanjay (student)",
    Role.ADMIN: "Dev (admin)",
}


def people() -> dict[str, Principal]:
    """A mentor, a student and an admin, by role."""
    expires_at = int((clock.now_seconds() + TOKEN_TTL) * 1000)
    return {
        role.value: Principal(id=f"dev-{role.value}", name=name, role=role, expires_at=expires_at)
        for role, name in _NAMES.items()
    }


def issuer(folder: Path) -> DevelopmentIssuer:
    """The issuer whose key is in this folder; it is made if missing."""
    return DevelopmentIssuer(folder, issuer=ISSUER, client_id=CLIENT_ID)


def tokens(folder: Path) -> dict[str, str]:
    """A token for each of the people, by role, that lives eight hours."""
    signer = issuer(folder)
    return {key: signer.token(who.id, name=who.name, role=who.role, ttl=TOKEN_TTL) for key, who in people().items()}


def many_tokens(data: Path, role: Role, *, count: int, prefix: str, ttl: float) -> Iterator[str]:
    """Tokens for `count` users of one role, `<prefix>-<role>-<n>` with n from 1, of a data folder's issuer.

    Needs no running server. Raises DevStackError when the data folder has no issuer.
    """
    folder = data / ISSUER_FOLDER
    if not (folder / KEY_FILE).exists():
        raise DevStackError(f"{data} has no development issuer; run `ksmp dev --data {data}` once.")
    signer = issuer(folder)
    for number in range(1, count + 1):
        yield signer.token(
            f"{prefix}-{role.value}-{number}", name=f"{prefix.capitalize()} {role.value} {number}", role=role, ttl=ttl
        )
