"""Tokens of users, signed by an issuer that the test's gateways trust."""

from __future__ import annotations

from typing import Literal, Protocol

from devstack.issuer import DevelopmentIssuer
from gateway.principal import Role


class MakeToken(Protocol):
    def __call__(
        self,
        user_id: str,
        role: str = "student",
        *,
        name: str | None = None,
        ttl: float = 3600.0,
        token_use: Literal["access", "id"] = "id",
        email: str | None = None,
        email_verified: bool = True,
    ) -> str: ...


class Tokens:
    """Implements MakeToken."""

    def __init__(self, issuer: DevelopmentIssuer) -> None:
        self._issuer = issuer

    def __call__(
        self,
        user_id: str,
        role: str = "student",
        *,
        name: str | None = None,
        ttl: float = 3600.0,
        token_use: Literal["access", "id"] = "id",
        email: str | None = None,
        email_verified: bool = True,
    ) -> str:
        shown = name if name is not None else user_id.capitalize()
        return self._issuer.token(
            user_id,
            name=shown,
            role=Role(role),
            ttl=ttl,
            token_use=token_use,
            email=email,
            email_verified=email_verified,
        )
