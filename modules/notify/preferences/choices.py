"""Choices: whether a user wants a kind on a channel."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from modules.notify.facade import Kind
from modules.notify.preferences.repository import ChoiceRow

# What a user chose, by name (a category or a kind).
Chosen = Mapping[str, bool]


def is_wanted(kind: Kind, channel: str, chosen: Chosen) -> bool:
    """Whether a user wants a kind on a channel, by what they chose there: for the kind, else for its category."""
    if kind.receipt:
        return True
    default = channel not in kind.off
    return chosen.get(kind.name, chosen.get(kind.preference, default))


def chosen_by_user(rows: Iterable[ChoiceRow]) -> Mapping[str, Chosen]:
    """What users chose on one channel, by user and name."""
    chosen: dict[str, dict[str, bool]] = defaultdict(dict)
    for row in rows:
        chosen[row.user_id][row.name] = row.wanted
    return chosen
