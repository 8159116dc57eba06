"""What clients see of accounts."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from gateway.principal import Principal, Role


class Me(msgspec.Struct, frozen=True):
    """The signed-in user, and when their token ends."""

    id: str
    name: str
    role: Role
    expires_at: datetime

    @classmethod
    def of(cls, principal: Principal) -> Me:
        return cls(
            principal.id, principal.name, principal.role, datetime.fromtimestamp(principal.expires_at / 1000, UTC)
        )

    @classmethod
    def example(cls) -> Me:
        return cls("c1f7…", "Sanjay", Role.STUDENT, datetime(2026, 1, 31, 18, 30, tzinfo=UTC))


class SignInConfig(msgspec.Struct, frozen=True):
    """What a front end gives to its Cognito (or other OpenID Connect) library; nothing in it is secret."""

    issuer: str
    client_id: str
    region: str
    pool: str
    domain: str

    @classmethod
    def example(cls) -> SignInConfig:
        issuer = "https://cognito-idp.ap-south-1.amazonaws.com/ap-south-1_Ab12Cd34"
        return cls(issuer, "4f2k…", "ap-south-1", "ap-south-1_Ab12Cd34", "sign-in.example.org")
