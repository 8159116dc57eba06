"""Reads and checks the claims of a verified token: Amazon Cognito's access and id tokens.

Source: "Understanding user pool JSON web tokens" in the Amazon Cognito developer guide; RFC 7519, section 4.1.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from hashlib import sha256
from typing import Annotated, Final, Self

import msgspec

from gateway.auth.jws import refused
from gateway.errors import Code, Refused
from gateway.principal import Principal, Role
from gateway.text import display_name

SUBJECT: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
GROUPS: Final = {"admins": Role.ADMIN, "mentors": Role.MENTOR, "students": Role.STUDENT}

# A NumericDate (RFC 7519, section 2): seconds since the epoch, possibly with a fraction. The bound is the end of
# the year 9999; without one, an absurd number would overflow where a reply is encoded.
Seconds = Annotated[int, msgspec.Meta(ge=0, le=253402300799)] | Annotated[float, msgspec.Meta(ge=0, le=253402300799)]

_PHONE: Final = re.compile(r"\+?[0-9]{6,15}")
# An address as providers of mail give them out: no quotes, comments or spaces, nothing that ends a header.
_EMAIL: Final = re.compile(r"[^\s\x00-\x1f\x7f\"(),:;<>@\[\\\]]{1,64}@[^\s\x00-\x1f\x7f\"(),:;<>@\[\\\]]{1,189}")

# Bidirectional embeddings, overrides and isolates can make a name look like another one. Joiners stay: Indic
# scripts and emoji need them.


class Claims(msgspec.Struct, frozen=True, kw_only=True):
    """The claims that the gateway uses. `decode` checks their types, `check` their values."""

    iss: str
    sub: str
    token_use: str
    exp: Seconds
    iat: Seconds
    nbf: Seconds = 0
    jti: str = ""
    origin_jti: str = ""
    aud: str | list[str] | None = None
    client_id: str | None = None
    groups: tuple[str, ...] = msgspec.field(name="cognito:groups", default=())
    name: str | None = None
    preferred_username: str | None = None
    cognito_username: str | None = msgspec.field(name="cognito:username", default=None)
    username: str | None = None
    # In id tokens. Some issuers write the second as text.
    email: str | None = None
    email_verified: bool | str | None = None

    @classmethod
    def decode(cls, payload: bytes) -> Self:
        """The claims of a token's payload. Raises Refused when one is missing or has another type."""
        try:
            return msgspec.json.decode(payload, type=cls)
        except (ValueError, RecursionError):
            raise refused("The token's claims are incomplete or of the wrong type.") from None

    def check(self, *, issuer: str, client_ids: Collection[str], life: float, leeway: float, now: float) -> None:
        """Raise Refused unless the token is from this issuer, for one of these clients, and valid at `now`.

        It may live `life` seconds: a revocation is remembered no longer than tokens that live so long.
        Expiry is looked at last, so `token_expired` means that a fresh token of the same kind would do. `aud`
        counts in id tokens only: in Cognito's access tokens the client is `client_id`.
        """
        if self.iss != issuer:
            raise refused("The token is from another issuer.")
        match self.token_use:
            case "access":
                client = self.client_id
            case "id":
                client = self.aud if isinstance(self.aud, str) else None
            case _:
                raise refused("The token is neither an access token nor an id token.")
        if client is None or client not in client_ids:
            raise refused("The token was issued to another client.")
        if SUBJECT.fullmatch(self.sub) is None:
            raise refused("The token names no usable subject.")
        if max(self.nbf, self.iat) > now + leeway:
            raise refused("The token is not valid yet.")
        if self.exp - self.iat > life + leeway:
            raise refused("The token lives longer than KSMP_TOKEN_LIFE.")
        if self.exp <= now - leeway:
            raise Refused(Code.TOKEN_EXPIRED, "The token has expired.")

    def principal(self) -> Principal:
        """The user these claims name. Call it after `check` only."""
        return Principal(
            id=self.sub,
            name=self.display_name(),
            role=self.role(),
            expires_at=int(self.exp * 1000),
            issued_at=int(self.iat * 1000),
            token=self.token(),
            email=email_address(self.email or ""),
            email_verified=str(self.email_verified).lower() == "true",
        )

    def token(self) -> str:
        """The id that a sign-out revokes: that of the sign-in, else of the token; empty when the token has neither."""
        named = self.origin_jti or self.jti
        # A hash has a fixed length and only characters that are safe in a key.
        return sha256(named.encode()).hexdigest() if named else ""

    def role(self) -> Role:
        """The highest role among the groups; a user in none of them is a student."""
        for group, role in GROUPS.items():
            if group in self.groups:
                return role
        return Role.STUDENT

    def display_name(self) -> str:
        """The first name that is not empty when cleaned, 1 to 100 characters; the subject when there is none.

        Pools that sign users in by their e-mail address or phone number have it as the user name, and a room
        must not show it.
        """
        for name in (self.name, self.preferred_username, self.cognito_username, self.username):
            cleaned = display_name(name or "")
            if cleaned and "@" not in cleaned and not _PHONE.fullmatch(cleaned):
                return cleaned
        return self.sub


def email_address(written: str) -> str:
    """An e-mail address with its domain in lower case; empty for what no mail can be sent to."""
    local, _, domain = written.rpartition("@")
    return f"{local}@{domain.lower()}" if _EMAIL.fullmatch(written) else ""
