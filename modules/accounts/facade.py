"""What other modules may ask of accounts: the audit, roles, who is kept out, and the names of its rooms."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import msgspec
import structlog

from gateway import clock
from gateway.contract import Database, Kernel
from gateway.errors import invalid
from gateway.identifier import new_id
from gateway.principal import Principal, Role


def user_room(user_id: str) -> str:
    """The user's own room, which each of their connections joins by itself."""
    return f"user:{user_id}"


def announce_room(audience: str) -> str:
    """The room of an audience: `all`, or the name of a role. The server joins its members on connect."""
    return f"announce:{audience}"


RECORD = """
    INSERT INTO account_audit (id, at, actor, act, subject, details, request_id) VALUES ($1, $2, $3, $4, $5, $6, $7)
"""


async def record(
    database: Database, actor: Principal | str, act: str, subject: str, details: Mapping[str, Any] | None = None
) -> None:
    """Write who did what into the audit, in the transaction that does it.

    `actor` is the user, or what else acts: a service (`ServicePrincipal.actor`), or a module by its name. `act` is
    `<module>.<verb>`, and `subject` the id of the user or thing that it is done to. `details` is what JSON can hold,
    without names: an entry stays when its users are deleted. The entry has the id of the request, or of the connection
    for a command. Raises RuntimeError outside of a transaction, and Unavailable.
    """
    if not database.in_transaction:
        raise RuntimeError(f"{act} is recorded outside of a transaction; record it in the one that does it")
    bound = structlog.contextvars.get_contextvars()
    request = bound.get("request") or bound.get("connection", "")
    who = actor if isinstance(actor, str) else actor.id
    written = msgspec.json.encode(details or {}).decode()
    await database.fetch(RECORD, new_id(), clock.now(), who, act, subject, written, request)


STUDENTS_AMONG = "SELECT id FROM account_user WHERE id = ANY($1) AND role = 'student'"


async def students_among(database: Database, user_ids: Collection[str]) -> set[str]:
    """Those of these users who are students now, so who teach nothing, whatever names them as a mentor.

    A user whom the platform has not met yet is none of them: their first token says their role.
    """
    if not user_ids:
        return set()
    return {row["id"] for row in await database.fetch(STUDENTS_AMONG, list(user_ids))}


NAMES = "SELECT id, name FROM account_user WHERE id = ANY($1) AND deleted_at IS NULL"


async def names_of(database: Database, user_ids: Sequence[str]) -> dict[str, str]:
    """The names of these users, by their ids, in one query. Users who are unknown or deleted are left out."""
    return {row["id"]: row["name"] for row in await database.fetch(NAMES, list(user_ids))}


async def check_known(database: Database, user_ids: Collection[str], field: str) -> None:
    """Check that the platform knows these users, so that nothing names somebody who does not exist.

    A user is known from their first sign-in until they are deleted. Raises BadInput `invalid` for `field`, and
    Unavailable.
    """
    if user_ids and (unknown := {*user_ids} - (await names_of(database, list(user_ids))).keys()):
        raise invalid(f"{min(unknown)} is no user of this platform, or has never signed in", field=field)


KEPT_OUT_AMONG = "SELECT id FROM account_user WHERE id = ANY($1) AND (blocked OR deleted_at IS NOT NULL)"


async def kept_out_among(database: Database, user_ids: Collection[str]) -> set[str]:
    """Those of these users who are blocked or deleted."""
    return {row["id"] for row in await database.fetch(KEPT_OUT_AMONG, list(user_ids))}


DELETED_AMONG = "SELECT id FROM account_user WHERE id = ANY($1) AND deleted_at IS NOT NULL"


async def deleted_among(database: Database, user_ids: Collection[str]) -> set[str]:
    """Those of these users who were deleted."""
    return {row["id"] for row in await database.fetch(DELETED_AMONG, list(user_ids))}


CHANGE_AVATAR = """
    UPDATE account_user SET avatar_url = $2, rev = rev + 1
    WHERE id = $1 AND deleted_at IS NULL AND avatar_url IS DISTINCT FROM $2 AND ($3::text IS NULL OR avatar_url LIKE $3)
"""


async def change_avatar(database: Database, user_id: str, url: str | None, *, only: str | None = None) -> None:
    """Write the address of the picture of a user's profile; None takes it away. For a module that keeps pictures.

    With `only` nothing changes unless the address is like that now (`LIKE`). Whoever calls it renews the identity.
    """
    await database.fetch(CHANGE_AVATAR, user_id, url, only)


class Address(msgspec.Struct, frozen=True):
    """An e-mail address, and whether it is known to be the user's."""

    email: str
    verified: bool


class SignOut(ABC):
    """What accounts contributes to those who sign users out; `sign_out_everywhere` below finds it."""

    @abstractmethod
    async def everywhere(self, user_id: str) -> None: ...


async def sign_out_everywhere(kernel: Kernel, user_id: str) -> None:
    """Refuse all tokens of the user that exist now, close their sockets, and publish `accounts.TokensRevoked`.

    Inside a transaction, which also has the audit's entry: that is the caller's. The platform need not have met the
    user. Raises Unavailable.
    """
    await kernel.contributed(SignOut)[0].everywhere(user_id)  # type: ignore[type-abstract]


class Addresses(ABC):
    """What accounts contributes to those who send mail; `addresses_of` below finds it."""

    @abstractmethod
    async def read(self, user_ids: Collection[str]) -> Mapping[str, Address | None]: ...


async def addresses_of(kernel: Kernel, user_ids: Collection[str]) -> Mapping[str, Address | None]:
    """The e-mail addresses of these users, as their sign-in or the user pool said last; None for those who have none.

    The pool may be asked, so this is for workers, outside of a transaction. A user of whom it could not be asked is
    left out: ask again later. Raises Unavailable.
    """
    return await kernel.contributed(Addresses)[0].read(user_ids)  # type: ignore[type-abstract]


class Addressee(msgspec.Struct, frozen=True):
    """How a user is written to: their zone and locale, as their profile says, and whether they are kept out."""

    id: str
    time_zone: str | None
    locale: str | None
    kept_out: bool


ADDRESSEES = """
    SELECT id, time_zone, locale, blocked OR deleted_at IS NOT NULL AS kept_out FROM account_user WHERE id = ANY($1)
"""


async def addressees(database: Database, user_ids: Collection[str]) -> dict[str, Addressee]:
    """How these users are written to, by their ids, in one query. Users whom the platform has not met are left out."""
    rows = await database.fetch(ADDRESSEES, list(user_ids))
    return {row["id"]: msgspec.convert(row, Addressee) for row in rows}


ROLE = "SELECT role FROM account_user WHERE id = $1 AND NOT blocked AND deleted_at IS NULL"


async def role_of(database: Database, user_id: str) -> Role | None:
    """The user's role now; None for a user who is blocked, deleted or unknown. For requests without a token."""
    for row in await database.fetch(ROLE, user_id):
        return Role(row["role"])
    return None


OF_ROLE = """
    SELECT id FROM account_user WHERE ($1::text IS NULL OR role = $1) AND id > $2 AND NOT blocked AND deleted_at IS NULL
    ORDER BY id LIMIT $3
"""


async def page_of_role(database: Database, role: Role | None, after: str, limit: int) -> list[str]:
    """Users with this role, or with any, after that id, in the order of their ids; who is kept out is left out."""
    return [row["id"] for row in await database.fetch(OF_ROLE, role and role.value, after, limit)]


ROLES = "SELECT id, role FROM account_user WHERE id = ANY($1) AND NOT blocked AND deleted_at IS NULL"


async def roles_of(database: Database, user_ids: Collection[str]) -> dict[str, Role]:
    """The roles of these users now, by their ids, in one query. Who is blocked, deleted or unknown is left out."""
    return {row["id"]: Role(row["role"]) for row in await database.fetch(ROLES, list(user_ids))}
