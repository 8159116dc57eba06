"""The project and its service account: the key, the tokens that it was given, and until when they are good."""

from __future__ import annotations

import secrets
import time
from pathlib import Path
from typing import Any, Final

import jwt
import msgspec
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

FILE: Final = "fcm.json"
PROJECT: Final = "ksmp-dev"
EMAIL: Final = f"ksmp@{PROJECT}.iam.gserviceaccount.com"
SCOPES: Final = frozenset(
    {"https://www.googleapis.com/auth/firebase.messaging", "https://www.googleapis.com/auth/cloud-platform"}
)
# Google's own libraries sign for this one, wherever they ask.
GOOGLE: Final = "https://oauth2.googleapis.com/token"
# In seconds.
LIFE: Final = 3600
LEEWAY: Final = 60
LONGEST: Final = 3600


class BadGrant(Exception):
    """What was asked for a token says nothing, or is not signed by the account; the text says why."""


class ServiceAccount:
    """One account of one project. `folder` keeps its key, so that gateways know it after a restart."""

    def __init__(self, url: str, folder: Path | None) -> None:
        self._token_uri = f"{url}/fcm/token"
        self._file = folder / FILE if folder is not None else None
        self._pem = ""
        self._tokens: dict[str, float] = {}

    def document(self) -> dict[str, Any]:
        """The account as Google's console gives it, with its private key."""
        return {
            "type": "service_account",
            "project_id": PROJECT,
            "private_key_id": "ksmp-dev",
            "private_key": self._private_key(),
            "client_email": EMAIL,
            "client_id": "100000000000000000000",
            "token_uri": self._token_uri,
        }

    def grant(self, assertion: str) -> dict[str, Any]:
        """An access token for a signed assertion. Raises BadGrant."""
        key = serialization.load_pem_private_key(self._private_key().encode(), None)
        try:
            claims = jwt.decode(
                assertion,
                key.public_key(),  # type: ignore[arg-type]
                algorithms=["RS256"],
                audience=[self._token_uri, GOOGLE],
                issuer=EMAIL,
                leeway=LEEWAY,
                options={"require": ["iat", "exp", "iss", "aud"]},
            )
        except jwt.PyJWTError as error:
            raise BadGrant(f"Invalid JWT: {error}") from None
        if not SCOPES & set(str(claims.get("scope", "")).split()):
            raise BadGrant("Invalid OAuth scope or ID token audience provided.")
        if claims["exp"] - claims["iat"] > LONGEST:
            raise BadGrant("Invalid JWT: Token must be a short-lived token (60 minutes)")
        token = f"ya29.{secrets.token_urlsafe(32)}"
        self._tokens[token] = time.time() + LIFE
        return {"access_token": token, "expires_in": LIFE, "token_type": "Bearer"}

    def knows(self, token: str) -> bool:
        """Whether this token is good now."""
        return self._tokens.get(token, 0.0) > time.time()

    def revoke(self) -> None:
        """Refuse every token that was given so far."""
        self._tokens.clear()

    def _private_key(self) -> str:
        """The key, made when it is first needed."""
        if not self._pem and self._file is not None and self._file.exists():
            self._pem = str(msgspec.json.decode(self._file.read_bytes())["private_key"])
        if not self._pem:
            made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
            self._pem = made.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            ).decode()
            if self._file is not None:
                self._file.parent.mkdir(parents=True, exist_ok=True)
                self._file.write_bytes(msgspec.json.encode({"private_key": self._pem}))
        return self._pem
