"""E-mail addresses of users: what their tokens said, and where no token says it, what the user pool knows."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Final, NamedTuple

import structlog

from gateway import clock
from gateway.contract import Database
from modules.accounts.facade import Address, Addresses
from modules.accounts.pool import UserPool

log = structlog.get_logger()

# Cognito answers 30 searches a second to an account.
AT_ONCE: Final = 8

READ: Final = """
    SELECT id, email, email_verified, email_at FROM account_user WHERE id = ANY($1) AND deleted_at IS NULL
"""
# A row that another transaction holds is left out, and asked for again with the next mail: nobody waits in a circle.
WRITE: Final = """
    WITH held AS MATERIALIZED (
        SELECT id FROM account_user WHERE id = ANY($1) AND deleted_at IS NULL FOR NO KEY UPDATE SKIP LOCKED
    )
    UPDATE account_user AS known SET
        email = asked.email, email_verified = asked.verified, email_at = asked.at,
        rev = known.rev + ((known.email, known.email_verified) IS DISTINCT FROM (asked.email, asked.verified))::int
    FROM (
        SELECT * FROM unnest($1::text[], $2::text[], $3::boolean[], $4::timestamptz[])
            AS asked (id, email, verified, at)
    ) AS asked JOIN held USING (id)
    WHERE known.id = asked.id
        AND (known.email_at IS NULL OR known.email_at < asked.at)
"""


class Answer(NamedTuple):
    """What the pool said, and when it was asked."""

    user: str
    address: Address | None
    at: datetime


class UserAddresses(Addresses):
    """Reads addresses from the rows, and asks the pool for those that are old or were never said."""

    def __init__(self, database: Database, pool: UserPool | None, fresh: float) -> None:
        self._database = database
        self._pool = pool
        self._fresh = timedelta(seconds=fresh)
        self._asking = asyncio.Semaphore(AT_ONCE)

    async def read(self, user_ids: Collection[str]) -> Mapping[str, Address | None]:
        rows = await self._database.fetch(READ, list(user_ids))
        found: dict[str, Address | None] = dict.fromkeys(user_ids)
        for row in rows:
            if row["email"] is not None:
                found[row["id"]] = Address(row["email"], row["email_verified"])
        if self._pool is None:
            return found
        old = clock.now() - self._fresh
        due = [row["id"] for row in rows if row["email_at"] is None or row["email_at"] < old]
        answers = await asyncio.gather(*(self._ask(self._pool, user) for user in due))
        said = [answer for answer in answers if answer is not None]
        if said:
            await self._write(said)
        found |= {answer.user: answer.address for answer in said}
        for user in {*due} - {answer.user for answer in said}:
            if found[user] is None:
                # Nobody knows whether there is one.
                del found[user]
        return found

    async def _ask(self, pool: UserPool, user: str) -> Answer | None:
        async with self._asking:
            at = clock.now()
            try:
                return Answer(user, await pool.address(user), at)
            except Exception as error:
                # Each SDK has errors of its own; whatever it is, the next mail asks again.
                log.warning("cognito.no_answer", user=user, error=repr(error))
                return None

    async def _write(self, said: Collection[Answer]) -> None:
        rows = [
            (one.user, one.address.email if one.address else None, bool(one.address and one.address.verified), one.at)
            for one in said
        ]
        await self._database.fetch(WRITE, *(list(column) for column in zip(*rows, strict=True)))
