"""Finds links in a text: addresses with a scheme, names of hosts under a public suffix, and IP addresses."""

from __future__ import annotations

import ipaddress
import re
from functools import cache, lru_cache
from typing import Final

from publicsuffixlist import PublicSuffixList

from gateway.unicode.invisible import INVISIBLE
from gateway.unicode.normal import normal

# What a label of a host is made of: no spaces, no punctuation but the hyphen, any letters and their marks.
_LABEL: Final = r"[^\s\x00-\x2c\x2e\x2f\x3a-\x40\x5b-\x60\x7b-\xbf\u2000-\u206f\u3000-\u303f]"
# Possessive, and not tried again at each letter of a label, so that a long word takes no longer than short ones.
_HOST: Final = re.compile(
    rf"(@?)(?<!\.)(?<![^.](?:{_LABEL}|_))((?:{_LABEL}|_)++(?:\.(?:{_LABEL}|_)++)++)\.?(:\d)?\d*([/?#](?=\S))?"
)
_SCHEME: Final = re.compile(r"[a-z0-9+.-]://\S", re.IGNORECASE)
_WWW: Final = re.compile(r"\bwww\.\S", re.IGNORECASE)
_IP_V6: Final = re.compile(
    r"(?<![\w:.])[0-9a-f]{1,4}:[0-9a-f:.]{2,43}(?![\w:])|(?<=\[)[0-9a-f:.]{2,45}(?=\])", re.IGNORECASE
)
# Labels of a name that decide about its suffix.
_DEEPEST: Final = 6

# Words that begin a sentence and are top-level domains too. "ok.In the end" lacks a space and is no link.
SENTENCE_WORDS: Final = frozenset(
    (
        "am",
        "an",
        "as",
        "at",
        "be",
        "best",
        "by",
        "call",
        "do",
        "fast",
        "free",
        "fun",
        "gay",
        "go",
        "good",
        "here",
        "how",
        "in",
        "is",
        "it",
        "just",
        "like",
        "live",
        "love",
        "me",
        "my",
        "new",
        "no",
        "now",
        "off",
        "one",
        "open",
        "or",
        "play",
        "read",
        "save",
        "so",
        "talk",
        "to",
        "today",
        "top",
        "us",
        "watch",
        "we",
        "win",
        "you",
    )
)
# Endings of files that people talk about, which are top-level domains too.
FILES: Final = frozenset(("cc", "md", "mov", "ps", "py", "sh", "zip"))
# "B.Tech", "M.Sc.": a degree. Names of hosts under these endings are longer.
DEGREES: Final = frozenset(("arch", "com", "law", "sc", "tech"))


def has_link(text: str) -> bool:
    """Whether the text has a link, also one in wide letters or with invisible characters in between."""
    plain = text
    if not text.isascii():
        # The full stop of Chinese and Japanese parts the labels of a host too.
        plain = normal("NFKC", INVISIBLE.sub("", text)).replace("\u3002", ".")
    if "." not in plain and ":" not in plain:
        return False
    if ":" in plain and (_SCHEME.search(plain) or any(_is_ip_v6(found[0]) for found in _IP_V6.finditer(plain))):
        return True
    for word in plain.split():
        # Most words that have a dot have it at their end.
        if "." in word[1:-1] and (_WWW.search(word) or any(_is_host(found) for found in _HOST.finditer(word))):
            return True
    return False


def _is_host(found: re.Match[str]) -> bool:
    at, name, port, path = found.groups()
    if at and not path:
        # An e-mail address.
        return False
    labels = name.split(".")
    last, word = labels[-1], labels[-1].lower()
    if last.isdecimal():
        return len(labels) == 4 and all(label.isdecimal() and int(label) < 256 for label in labels)
    if path or port:
        if re.fullmatch(r"[a-z]{2,}", word):
            return True
    elif len(labels) == 2:
        if last.istitle() and (word in SENTENCE_WORDS or (word in DEGREES and len(labels[0]) == 1)):
            return False
        if word in FILES:
            return False
    elif all(len(label) == 1 for label in labels[:-1]):
        # "i.e.so"
        return False
    return _has_suffix(".".join(labels[-_DEEPEST:]).lower())


def _is_ip_v6(text: str) -> bool:
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return True


@lru_cache(maxsize=4096)
def _has_suffix(name: str) -> bool:
    """Whether the name is a domain under a public suffix, and not a suffix itself."""
    return _suffixes().privatesuffix(name) is not None


@cache
def _suffixes() -> PublicSuffixList:
    """The public suffix list, as the package brings it; internationalised suffixes in both their forms."""
    return PublicSuffixList(accept_unknown=False)
