"""What the platform knows of a user: it can be read again on every node, exported, and deleted."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from gateway.contract.identities import Export, Remains
from gateway.contract.module import Module
from gateway.db.cluster_state import Fact
from gateway.db.personal_data import KernelPersonalData
from gateway.protocol.names import user_id
from gateway.realtime.cluster_state import LIFTED, ClusterState


class IdentityChanged(msgspec.Struct, frozen=True):
    user: str


class ClusterIdentities:
    """Implements `gateway.contract.Identities`, and `gateway.realtime.cluster_state.StateTopic`."""

    kind = "identity"

    def __init__(
        self,
        state: ClusterState,
        personal_data: KernelPersonalData,
        modules: Sequence[Module],
        ask_anew: Callable[[str], None],
    ) -> None:
        """`ask_anew` drops this node's cached identity of a user."""
        self._state = state
        self._personal_data = personal_data
        self._modules = modules
        self._ask_anew = ask_anew
        state.add(self)

    async def renew(self, user: str) -> None:
        # Nodes only have to learn it once, so the fact is over from the start.
        await self._state.declare(self.kind, user_id(user), IdentityChanged(user), LIFTED)

    async def export(self, user: str, after: int = 0) -> Export:
        modules = {} if after else {module.name: await module.export(user) for module in self._modules}
        said, following = await self._personal_data.said(user, after)
        return Export({name: found for name, found in modules.items() if found}, said, following)

    async def forget(self, user: str) -> Remains:
        rooms = {room for module in self._modules for room in await module.forget(user)}
        await self._personal_data.forget(user)
        return Remains(user, sorted(rooms))

    async def anonymise(self, remains: Remains) -> Remains | None:
        return await self._personal_data.anonymise(remains)

    def learn(self, fact: Fact, *, holds: bool) -> None:
        self._ask_anew(msgspec.json.decode(fact.data, type=IdentityChanged).user)

    def end(self, fact: Fact) -> None:
        """Nothing to undo: such a fact is never in force."""
