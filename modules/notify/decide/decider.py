"""Decider: decides on a batch of due deliveries by the facts of now."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from gateway.contract import Kernel
from modules.notify.decide.decision import DIGEST, UNANSWERED, Collect, cap, decide
from modules.notify.decide.digests import Digests
from modules.notify.decide.fact_reader import FactReader
from modules.notify.decide.facts import Facts, Rules
from modules.notify.decide.verdict import Decide, Send, Skip, Verdict, Wait
from modules.notify.decide.windows import window_end
from modules.notify.due import Due
from modules.notify.kinds import Kinds
from modules.notify.preferences.readers import Readers
from modules.notify.states import SkipReason


class Decider(Decide):
    """Reads the facts of a batch, decides, and writes what is collected for digests."""

    def __init__(self, kernel: Kernel, kinds: Kinds, readers: Readers, rules_of: Callable[[str], Rules]) -> None:
        """`rules_of` gives the rules of a channel, by its name."""
        self._facts = FactReader(kernel, readers)
        self._digests = Digests(kernel.database, kinds)
        self._rules_of = rules_of

    async def decide(self, batch: Sequence[Due], now: datetime) -> Mapping[str, Verdict]:
        if not batch:
            return {}
        rules = self._rules_of(batch[0].channel)
        decided, facts = await self._decide(batch, rules, now)
        verdicts: dict[str, Verdict] = {}
        window_ends: dict[str, datetime] = {}
        for id, verdict in decided.items():
            if isinstance(verdict, Collect):
                window_ends[id] = verdict.window_end
                verdicts[id] = Wait(verdict.window_end, DIGEST)
            else:
                verdicts[id] = verdict
        if window_ends:
            await self._digests.collect(window_ends)
        if facts.collected:
            verdicts |= await self._digest(batch, verdicts, facts, rules, now)
        if rules.held:
            alone = [due for due in batch if verdicts[due.id] == Send() and due.id not in facts.collected]
            for due in cap(alone, facts.told, rules):
                verdicts[due.id] = Skip(SkipReason.CAPPED)
        return verdicts

    async def _decide(
        self, batch: Sequence[Due], rules: Rules, now: datetime
    ) -> tuple[Mapping[str, Verdict | Collect], Facts]:
        """Each delivery by itself. Modules and rooms are asked only of what would be sent now."""
        facts = await self._facts.read(batch, rules, now)
        verdicts = {due.id: decide(due, facts, rules, now) for due in batch}
        if asked := [due for due in batch if isinstance(verdicts[due.id], Send)]:
            facts = await self._facts.ask(facts, asked, rules)
            verdicts |= {due.id: decide(due, facts, rules, now) for due in asked}
        return verdicts, facts

    async def _digest(
        self, batch: Sequence[Due], verdicts: Mapping[str, Verdict], facts: Facts, rules: Rules, now: datetime
    ) -> Mapping[str, Verdict]:
        """The verdicts of what was collected: one delivery carries the others, now or in an earlier try."""
        collected = facts.collected
        ready = [
            due
            for due in batch
            if due.id in collected and collected[due.id].digest_id is None and isinstance(verdicts[due.id], Send)
        ]
        new = await self._digests.begin(ready, batch[0].channel, now) if ready else {}
        carriers = {id: one.digest_id for id, one in collected.items() if one.carries and one.digest_id is not None}
        for due in ready:
            if due.id in new and new[due.id] not in carriers.values():
                carriers[due.id] = new[due.id]
        bundles = await self._bundles(carriers, rules, now)
        changed: dict[str, Verdict] = {}
        late: dict[str, datetime] = {}
        for due in batch:
            if due.id in bundles:
                changed[due.id] = bundles[due.id]
            elif due.id in new or (due.id in collected and collected[due.id].digest_id is not None):
                if not isinstance(verdicts[due.id], Skip):
                    changed[due.id] = Skip(SkipReason.DIGESTED)
            elif due in ready and due.kind.digest is not None:
                # It came when the digest of its window had been made.
                zone = facts.readers[due.user_id].zone
                late[due.id] = window_end(now, due.kind.digest, zone, rules.digest_hour)
                changed[due.id] = Wait(late[due.id], DIGEST)
        if late:
            await self._digests.collect(late)
        return changed

    async def _bundles(self, carriers: Mapping[str, str], rules: Rules, now: datetime) -> Mapping[str, Verdict]:
        """What each delivery that carries a digest is sent with: those of its parts that are still to be told."""
        parts = await self._digests.parts(set(carriers.values()))
        found = [part for dues in parts.values() for part in dues]
        decided = (await self._decide(found, rules, now))[0] if found else {}
        bundles: dict[str, Verdict] = {}
        for id, digest in carriers.items():
            told = [part for part in parts[digest] if _is_told(decided[part.id])]
            waiting = [verdict.until for part in parts[digest] if isinstance(verdict := decided[part.id], Wait)]
            own = decided.get(id)
            if told:
                bundles[id] = Send() if [part.id for part in told] == [id] else Send(tuple(told))
            elif waiting:
                # Quiet hours have begun between two tries.
                bundles[id] = Wait(min(waiting), DIGEST)
            else:
                bundles[id] = own if isinstance(own, Skip) else Skip(SkipReason.NOT_WANTED)
        return bundles


def _is_told(verdict: Verdict | Collect) -> bool:
    """Also what its module could not speak of: the digest of a user does not wait for it."""
    return isinstance(verdict, Send) or (isinstance(verdict, Wait) and verdict.reason == UNANSWERED)
