"""The form of an API key: `ksmp_<id>_<secret>`.

The prefix lets scanners of source code find a key that was published by mistake. The id names the key in lists and in
the audit. The secret has 256 random bits, so a plain hash of it cannot be guessed from, and is quick to check.
"""

from __future__ import annotations

import hmac
import re
import secrets
import string
from hashlib import sha256
from typing import Final, NamedTuple

PREFIX: Final = "ksmp_"
ID_ALPHABET: Final = string.ascii_lowercase + string.digits
SECRET_ALPHABET: Final = string.ascii_letters + string.digits
ID_LENGTH: Final = 16
# 43 characters of 62 have more than 256 bits.
SECRET_LENGTH: Final = 43
FORM: Final = re.compile(rf"{PREFIX}([a-z0-9]{{{ID_LENGTH}}})_[A-Za-z0-9]{{{SECRET_LENGTH}}}", re.ASCII)


class NewSecret(NamedTuple):
    """A key that was just made: its id, the whole of it for its owner, and the hash that is stored."""

    id: str
    key: str
    hash: bytes


def new_secret() -> NewSecret:
    id = "".join(secrets.choice(ID_ALPHABET) for _ in range(ID_LENGTH))
    key = f"{PREFIX}{id}_" + "".join(secrets.choice(SECRET_ALPHABET) for _ in range(SECRET_LENGTH))
    return NewSecret(id, key, sha256(key.encode()).digest())


def id_of(key: str) -> str | None:
    """The id in a key; None for a text that is no key at all."""
    match = FORM.fullmatch(key)
    return None if match is None else match[1]


def is_key(key: str, hash: bytes) -> bool:
    """Whether this is the key with that hash; takes the same time whatever it is."""
    return hmac.compare_digest(sha256(key.encode()).digest(), hash)
