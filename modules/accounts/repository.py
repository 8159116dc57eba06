"""The rows of accounts, users and the audit: every statement, and what it gives."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

import msgspec
from piccolo.columns.combination import Or, WhereRaw

from gateway import clock
from gateway.batching import Batched
from gateway.contract import Database
from gateway.http.listing import Page, Sort, Span, page_of
from gateway.principal import FORGOTTEN, Principal, Role
from gateway.unicode.invisible import STRAY
from gateway.unicode.normal import normal
from modules.accounts.messages import AuditRecord, Profile, UserRecord, UserStatus
from modules.accounts.tables import AuditEntry, User

BY_NAME: Final = Sort("name", (User.name, User.id))
NEWEST: Final = Sort("newest", (AuditEntry.at, AuditEntry.id), descending=True)

PROFILE_COLUMNS: Final = ", ".join(Profile.__struct_fields__)
RECORD_COLUMNS: Final = ", ".join(UserRecord.__struct_fields__)

# What a token says of the address counts from its issue on. An access token says nothing (null).
NEWER: Final = "EXCLUDED.email_at >= coalesce(known.email_at, '-infinity')"
ASKED_NEWER: Final = NEWER.replace("EXCLUDED", "asked")
# One round trip for a user seen for the first time and for one who comes back. There is no row for a deleted one.
MEET: Final = f"""
    INSERT INTO account_user AS known (id, name, role, email, email_verified, email_at)
    VALUES ($1, $2, $3, $5, $6, $7)
    ON CONFLICT (id) DO UPDATE SET
        name = CASE WHEN $4 OR known.name_chosen THEN known.name ELSE EXCLUDED.name END,
        role = CASE WHEN known.role_given THEN known.role ELSE EXCLUDED.role END,
        rev = known.rev + CASE
            WHEN NOT ($4 OR known.name_chosen) AND known.name <> EXCLUDED.name THEN 1
            WHEN NOT known.role_given AND known.role <> EXCLUDED.role THEN 1
            WHEN {NEWER} AND (known.email, known.email_verified)
                IS DISTINCT FROM (EXCLUDED.email, EXCLUDED.email_verified) THEN 1
            ELSE 0
        END,
        email = CASE WHEN {NEWER} THEN EXCLUDED.email ELSE known.email END,
        email_verified = CASE WHEN {NEWER} THEN EXCLUDED.email_verified ELSE known.email_verified END,
        email_at = greatest(known.email_at, EXCLUDED.email_at),
        seen_at = now()
    WHERE known.deleted_at IS NULL
    RETURNING name, role
"""  # noqa: S608
# The same for many users at once. It leaves out deleted users, and rows that another transaction holds: one user's row
# keeps nobody else waiting. It inserts in the order of the ids, because two gateways may insert the same ones.
MEET_MANY: Final = f"""
    WITH asked AS MATERIALIZED (
        SELECT * FROM unnest(
            $1::text[], $2::text[], $3::text[], $4::boolean[], $5::text[], $6::boolean[], $7::timestamptz[]
        ) AS asked (id, name, role, nameless, email, email_verified, email_at)
    ), held AS MATERIALIZED (
        SELECT id FROM account_user WHERE id = ANY($1) AND deleted_at IS NULL FOR NO KEY UPDATE SKIP LOCKED
    ), met AS (
        UPDATE account_user AS known SET
            name = CASE WHEN nameless OR known.name_chosen THEN known.name ELSE asked.name END,
            role = CASE WHEN known.role_given THEN known.role ELSE asked.role END,
            rev = known.rev + CASE
                WHEN NOT (nameless OR known.name_chosen) AND known.name <> asked.name THEN 1
                WHEN NOT known.role_given AND known.role <> asked.role THEN 1
                WHEN {ASKED_NEWER} AND (known.email, known.email_verified)
                    IS DISTINCT FROM (asked.email, asked.email_verified) THEN 1
                ELSE 0
            END,
            email = CASE WHEN {ASKED_NEWER} THEN asked.email ELSE known.email END,
            email_verified = CASE WHEN {ASKED_NEWER} THEN asked.email_verified ELSE known.email_verified END,
            email_at = greatest(known.email_at, asked.email_at),
            seen_at = now()
        FROM asked, held WHERE known.id = asked.id AND held.id = asked.id
        RETURNING known.id, known.name, known.role
    ), created AS (
        INSERT INTO account_user (id, name, role, email, email_verified, email_at)
        SELECT id, name, role, email, email_verified, email_at FROM asked
        WHERE NOT EXISTS (SELECT FROM account_user AS known WHERE known.id = asked.id) ORDER BY id
        ON CONFLICT (id) DO NOTHING RETURNING id, name, role
    )
    SELECT * FROM met UNION ALL SELECT * FROM created
"""  # noqa: S608
PROFILE: Final = f"SELECT {PROFILE_COLUMNS} FROM account_user WHERE id = $1 AND deleted_at IS NULL"  # noqa: S608
WRITE_PROFILE: Final = """
    UPDATE account_user SET name = $2, name_chosen = name_chosen OR $3, avatar_url = $4, time_zone = $5, locale = $6,
        phone = $7, rev = $8
    WHERE id = $1
"""
PROFILE_FOR_EXPORT: Final = """
    SELECT id, name, role, avatar_url, time_zone, locale, phone, email, email_verified, created_at, seen_at,
        blocked, rev
    FROM account_user WHERE id = $1 AND deleted_at IS NULL
"""
FORGET: Final = """
    UPDATE account_user SET
        name = $2, name_chosen = true, role = 'student', role_given = true,
        avatar_url = NULL, time_zone = NULL, locale = NULL, phone = NULL,
        email = NULL, email_verified = false, email_at = NULL, deleted_at = now(), rev = rev + 1
    WHERE id = $1 AND deleted_at IS NULL
"""
RECORD: Final = f"SELECT {RECORD_COLUMNS} FROM account_user WHERE id = $1"  # noqa: S608
ROLE: Final = "SELECT role FROM account_user WHERE id = $1 AND deleted_at IS NULL"
ROLE_GIVEN: Final = "SELECT role_given FROM account_user WHERE id = $1"
WRITE_RECORD: Final = """
    UPDATE account_user SET role = $2, role_given = role_given OR $3, blocked = $4, rev = $5 WHERE id = $1
"""
LOCK_ADMINS: Final = "SELECT pg_advisory_xact_lock(hashtext('account_user'), hashtext('admins'))"
OTHER_ADMIN: Final = """
    SELECT FROM account_user WHERE role = 'admin' AND id <> $1 AND NOT blocked AND deleted_at IS NULL LIMIT 1
"""
ACTS_ON: Final = "SELECT at, act FROM account_audit WHERE subject = $1 ORDER BY at, id"


class Claimed(NamedTuple):
    """What a token says of its user."""

    id: str
    name: str
    role: str
    nameless: bool
    email: str | None
    email_verified: bool
    email_at: datetime | None

    @classmethod
    def of(cls, principal: Principal, *, nameless: bool) -> Claimed:
        named = principal.email or None
        at = clock.from_ms(principal.issued_at) if named else None
        verified = principal.email_verified
        return cls(principal.id, principal.name, principal.role.value, nameless, named, verified, at)


class UserRepository:
    """Each call runs in the transaction around it, if there is one, and raises Unavailable without PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._meet = Batched(self._meet_together)

    async def meet(self, principal: Principal, *, nameless: bool) -> tuple[str, Role] | None:
        """Create or update the user of a token; their name and role, None for a user who was deleted.

        Users who come at the same moment are met in one statement, which is a transaction of its own.
        """
        claimed = Claimed.of(principal, nameless=nameless)
        return await self._meet(claimed) or await self._meet_alone(claimed)

    async def _meet_together(self, claimed: list[Claimed]) -> list[tuple[str, Role] | None]:
        """None for one who has to be met alone: of one user with several claims, only the first is met here."""
        first: dict[str, Claimed] = {}
        for one in claimed:
            first.setdefault(one.id, one)
        columns = zip(*first.values(), strict=True)
        rows = await self._database.fetch(MEET_MANY, *(list(column) for column in columns))
        met = {row["id"]: (row["name"], Role(row["role"])) for row in rows}
        return [met.get(one.id) if first[one.id] == one else None for one in claimed]

    async def _meet_alone(self, claimed: Claimed) -> tuple[str, Role] | None:
        for row in await self._database.fetch(MEET, *claimed):
            return row["name"], Role(row["role"])
        return None

    async def profile(self, user: str) -> Profile | None:
        return await self._profile(PROFILE, user)

    async def lock_profile(self, user: str) -> Profile | None:
        """The profile. Nobody else changes the user until the transaction ends."""
        return await self._profile(f"{PROFILE} FOR UPDATE", user)

    async def write_profile(self, changed: Profile, *, name_chosen: bool) -> None:
        await self._database.fetch(
            WRITE_PROFILE,
            changed.id,
            changed.name,
            name_chosen,
            changed.avatar_url,
            changed.time_zone,
            changed.locale,
            changed.phone,
            changed.rev,
        )

    async def profile_for_export(self, user: str) -> Mapping[str, Any] | None:
        for row in await self._database.fetch(PROFILE_FOR_EXPORT, user):
            return dict(row)
        return None

    async def forget(self, user: str) -> None:
        """Take away everything but the id and times; done again it changes nothing."""
        await self._database.fetch(FORGET, user, FORGOTTEN)

    async def record(self, user: str) -> UserRecord | None:
        """What admins see of a user, also of one who was deleted."""
        return await self._record(RECORD, user)

    async def lock_record(self, user: str) -> UserRecord | None:
        """The same. Nobody else changes the user until the transaction ends."""
        return await self._record(f"{RECORD} FOR UPDATE", user)

    async def role(self, user: str) -> Role | None:
        """The user's role, also while they are blocked; None for one who was deleted."""
        for row in await self._database.fetch(ROLE, user):
            return Role(row["role"])
        return None

    async def role_given(self, user: str) -> bool:
        """Whether an admin gave the user their role, which then counts for more than the token's."""
        rows = await self._database.fetch(ROLE_GIVEN, user)
        return bool(rows[0]["role_given"])

    async def write_record(self, changed: UserRecord, *, role_given: bool) -> None:
        await self._database.fetch(
            WRITE_RECORD, changed.id, changed.role.value, role_given, changed.blocked, changed.rev
        )

    async def lock_admins(self) -> None:
        """No other transaction takes an admin away until this one ends."""
        await self._database.fetch(LOCK_ADMINS)

    async def has_other_admin(self, user: str) -> bool:
        """Whether somebody else can administer the platform."""
        return bool(await self._database.fetch(OTHER_ADMIN, user))

    async def page(self, span: Span, q: str | None, role: Role | None, status: UserStatus | None) -> Page[UserRecord]:
        """Users by name; `q` is a part of it, or a whole id, phone number or e-mail address."""
        deleted = User.deleted_at.is_not_null() if status == "deleted" else User.deleted_at.is_null()
        query = User.select().where(deleted)
        if status in ("active", "blocked"):
            query = query.where(User.blocked == (status == "blocked"))
        if role is not None:
            query = query.where(User.role == role.value)
        if q is not None:
            # In the form that names have.
            q = STRAY.sub("", normal("NFC", q.replace("\0", " ")))
            part = q.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
            whole = Or(User.id == q, Or(User.phone == q, WhereRaw("lower(email) = lower({})", q)))
            query = query.where(Or(WhereRaw("name ILIKE {}", f"%{part}%"), whole))
        with self._database.guard():
            return await page_of(query, BY_NAME, span, UserRecord)

    async def _profile(self, statement: str, user: str) -> Profile | None:
        for row in await self._database.fetch(statement, user):
            return msgspec.convert(row, Profile)
        return None

    async def _record(self, statement: str, user: str) -> UserRecord | None:
        for row in await self._database.fetch(statement, user):
            return msgspec.convert(row, UserRecord)
        return None


class AuditRepository:
    """Reads the audit. `facade.record` writes it, for every module."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def acts_on(self, user: str) -> list[dict[str, Any]]:
        """What admins did to the user and when. Who did it and why is for the audit alone."""
        return [dict(row) for row in await self._database.fetch(ACTS_ON, user)]

    async def page(
        self, span: Span, *, actor: str | None, act: str | None, subject: str | None, since: datetime | None
    ) -> Page[AuditRecord]:
        """What was done, the newest first."""
        query = AuditEntry.select().output(load_json=True)
        for column, value in ((AuditEntry.actor, actor), (AuditEntry.act, act), (AuditEntry.subject, subject)):
            if value is not None:
                query = query.where(column == value.replace("\0", " "))
        if since is not None:
            query = query.where(AuditEntry.at >= since)
        with self._database.guard():
            return await page_of(query, NEWEST, span, AuditRecord)
