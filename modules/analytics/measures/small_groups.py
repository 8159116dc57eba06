"""Hides figures behind which so few people are that they would name somebody. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from modules.analytics.measures.measure import Parts


def hidden(groups: Mapping[str, Parts], least: int) -> set[str]:
    """The keys whose figures must not be shown: those of fewer than `least` people, as `Parts.people` says.

    Where together they are fewer still, the smallest of the others is hidden too: what is missing in the total would
    tell what they are. A group of nobody hides nothing.
    """
    sizes = {key: _size(parts) for key, parts in groups.items()}
    small = {key for key, size in sizes.items() if 0 < size < least}
    if not small:
        return set()
    # The smallest first, and of equal ones always the same.
    others = sorted((size, key) for key, size in sizes.items() if size >= least)
    while others and sum(sizes[key] for key in small) < least:
        small.add(others.pop(0)[1])
    return small


def too_small(parts: Parts, least: int) -> bool:
    """Whether a figure by itself must not be shown."""
    return 0 < _size(parts) < least


def _size(parts: Parts) -> int:
    if parts.people is not None:
        return parts.people
    return parts.numerator if parts.denominator is None else parts.denominator
