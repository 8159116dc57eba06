"""The code of a certificate: what its verification page is asked for. 100 random bits, so nobody guesses one.

It is written in Crockford's base 32, which has no I, L, O and U. Who types one may use small letters, leave out the
hyphens, and write O for 0, or I and L for 1.
"""

from __future__ import annotations

import secrets
from typing import Final

ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LENGTH: Final = 20
GROUP: Final = 5
MISREAD: Final = str.maketrans("OIL", "011", "- ")


def new_code() -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))


def shown(code: str) -> str:
    """As it is printed: in groups of five."""
    return "-".join(code[start : start + GROUP] for start in range(0, LENGTH, GROUP))


def typed(text: str) -> str:
    """The code that somebody means by what they have typed; it may be no code that there is."""
    return text.upper().translate(MISREAD)
