"""An issuer of tokens for development and tests, shaped like Amazon Cognito's.

Settings refuse it in production: whoever reads its folder can be anyone.
"""

from __future__ import annotations

import base64
import contextlib
import json
import math
import os
import tempfile
import uuid
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, Literal

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from gateway.auth.claims import GROUPS
from gateway.auth.jws import ALGORITHM, MODULUS_BITS
from gateway.clock import now_seconds
from gateway.principal import Role
from gateway.settings import SettingsError

KEY_FILE: Final = "issuer.pem"

_GROUP: Final = {role: group for group, role in GROUPS.items()}


class DevelopmentIssuer:
    """Signs tokens with an RSA key of its own, kept in `folder` as a PEM file that its owner alone reads.

    The key is made when it is missing; processes that start at once agree on one. Construction reads and may
    write a file and takes up to a second, so it belongs in start-up or in a thread. Raises SettingsError when
    the file holds no usable key. `now` is the time in seconds since the Unix epoch.
    """

    def __init__(self, folder: Path, *, issuer: str, client_id: str, now: Callable[[], float] = now_seconds) -> None:
        self._issuer = issuer
        self._client_id = client_id
        self._now = now
        self._key = _load(folder / KEY_FILE)
        self._public = _public(self._key)
        self._header = {"kid": self._public["kid"]}

    def token(
        self,
        user_id: str,
        *,
        name: str,
        role: Role,
        ttl: float,
        token_use: Literal["access", "id"] = "id",  # noqa: S107
        email: str | None = None,
        email_verified: bool = True,
    ) -> str:
        """A signed token that lives at least `ttl` seconds, and less than one more (its times are whole seconds).

        A negative `ttl` gives an expired token. As with Cognito, name and e-mail address are in id tokens only. Without
        `email` the address is the user's id at example.com; with an empty one there is none. Nothing is checked here,
        so that tests can ask for tokens that the verifier must refuse.
        """
        now = self._now()
        claims: dict[str, Any] = {
            "sub": user_id,
            "iss": self._issuer,
            "token_use": token_use,
            "cognito:groups": [_GROUP[role]],
            "auth_time": int(now),
            "iat": int(now),
            "exp": math.ceil(now + ttl),
            "jti": str(uuid.uuid4()),
        }
        match token_use:
            case "id":
                claims |= {"aud": self._client_id, "name": name, "cognito:username": user_id}
                if address := f"{user_id}@example.com" if email is None else email:
                    claims |= {"email": address, "email_verified": email_verified}
            case "access":
                claims |= {
                    "client_id": self._client_id,
                    "username": user_id,
                    "scope": "aws.cognito.signin.user.admin",
                    "version": 2,
                }
        return jwt.encode(claims, self._key, algorithm=ALGORITHM, headers=self._header)

    def jwks(self) -> dict[str, Any]:
        """The JWK Set (RFC 7517) that verifies its tokens, ready to be served as JSON."""
        return {"keys": [dict(self._public)]}


def _load(path: Path) -> rsa.RSAPrivateKey:
    try:
        pem = path.read_bytes()
    except FileNotFoundError:
        _create(path)
        pem = path.read_bytes()
    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, rsa.RSAPrivateKey) or key.key_size < MODULUS_BITS:
        raise SettingsError(f"{path} holds no RSA key of {MODULUS_BITS} bits; delete it and a new one is made.")
    return key


def _create(path: Path) -> None:
    """Put a new key at a path that nothing is at; the one who comes second finds the first one's and keeps it."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=MODULUS_BITS)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # The temporary file is created with mode 0600. A link, unlike a rename, fails when the name is taken.
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(pem)
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(temporary, path)
    finally:
        Path(temporary).unlink()


def _public(key: rsa.RSAPrivateKey) -> dict[str, str]:
    """The public half as a JWK; its id is the thumbprint of RFC 7638, the same in every process."""
    jwk = RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    members = {"e": str(jwk["e"]), "kty": "RSA", "n": str(jwk["n"])}
    canonical = json.dumps(members, separators=(",", ":"), sort_keys=True).encode()
    thumbprint = base64.urlsafe_b64encode(sha256(canonical).digest()).rstrip(b"=").decode()
    return {**members, "kid": thumbprint, "use": "sig", "alg": ALGORITHM}
