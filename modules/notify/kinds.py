"""Kinds: what the modules of this gateway contributed to notifications: kinds, channels and audiences, by name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Final, TypeVar

from gateway.contract import Kernel
from modules.notify.facade import IN_APP, Audience, Channel, Kind, Urgency

T = TypeVar("T", Kind, Channel, Audience)

# What goes first when more is due than can be sent; campaigns are last.
PRIORITIES: Final = {Urgency.HIGH: 0, Urgency.NORMAL: 1, Urgency.LOW: 2}
CAMPAIGN: Final = 3


class Kinds:
    """Read when they are first needed: contributions are complete once all modules are built."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel

    @cached_property
    def kinds(self) -> Mapping[str, Kind]:
        return _by_name(self._kernel.contributed(Kind), "kind of notification")

    @cached_property
    def channels(self) -> Mapping[str, Channel]:
        return _by_name(self._kernel.contributed(Channel), "channel")  # type: ignore[type-abstract]

    @cached_property
    def audiences(self) -> Mapping[str, Audience]:
        return _by_name(self._kernel.contributed(Audience), "audience")

    def find(self, name: str) -> Kind:
        """Raises ValueError for a kind that nobody contributed."""
        kind = self.kinds.get(name)
        if kind is None:
            raise ValueError(f"no module contributes a kind of notification {name}")
        return kind

    def audience(self, named: str) -> tuple[Audience, str]:
        """The audience of `program:<id>` and the id; raises ValueError for one that nobody contributed."""
        name, _, id = named.partition(":")
        audience = self.audiences.get(name)
        if audience is None or not id:
            raise ValueError(f"{named!r} is no audience; {', '.join(sorted(self.audiences))} are, each with an id")
        return audience, id

    def sent_by(self, kind: Kind) -> Sequence[str]:
        """The channels of a kind, besides the list in the app, that this platform has."""
        return [name for name in dict.fromkeys(kind.channels) if name != IN_APP and name in self.channels]

    def check(self) -> None:
        """Raises ValueError where two modules contribute the same name."""
        _ = self.kinds, self.channels, self.audiences


def _by_name(contributed: Sequence[T], what: str) -> Mapping[str, T]:
    twice = [name for name, times in Counter(one.name for one in contributed).items() if times > 1]
    if twice:
        raise ValueError(f"two modules contribute the {what} {twice[0]}")
    return {one.name: one for one in contributed}
