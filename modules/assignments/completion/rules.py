"""The rules of completion of a program: who reads and who sets them."""

from __future__ import annotations

import msgspec

from gateway.contract import Kernel
from gateway.http.etag import IfMatch
from gateway.principal import Principal
from modules.accounts.facade import record
from modules.assignments.access import AssignmentAccess
from modules.assignments.completion.evaluation import Evaluation
from modules.assignments.completion.messages import NewRule
from modules.assignments.completion.repository import RuleRepository
from modules.assignments.completion.requirements import CompletionRule


class CompletionRules:
    """Each call raises Unavailable, and BadInput `not_found` for what the user may not know of."""

    def __init__(self, kernel: Kernel, access: AssignmentAccess, evaluation: Evaluation) -> None:
        self._kernel = kernel
        self._access = access
        self._evaluation = evaluation
        self._rules = RuleRepository(kernel.database)

    async def read(self, principal: Principal, program_id: str) -> CompletionRule:
        """For everybody who takes part in the program."""
        await self._access.in_program(principal, program_id)
        return await self._rules.of(program_id)

    async def write(self, principal: Principal, program_id: str, new: NewRule, if_match: IfMatch) -> CompletionRule:
        """Set all of it. Whoever has met the new rules already gets the certificate; nobody loses one.

        Raises Refused `forbidden`, and BadInput `precondition_failed`.
        """
        await self._access.teaches_program(principal, program_id)
        async with self._kernel.database.transaction():
            before = await self._rules.lock(program_id)
            if_match.check(before.rev)
            rule = CompletionRule(program_id=program_id, rev=before.rev + 1, **msgspec.structs.asdict(new))
            await self._rules.write(rule)
            await record(self._kernel.database, principal, "assignments.set_completion_rule", program_id)
            await self._evaluation.soon(program_id)
        return rule
