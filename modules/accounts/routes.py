"""The routes of accounts."""

from __future__ import annotations

from typing import Annotated

from litestar import Response, Router, delete, get, patch, post, put
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter, QueryParameter

from gateway.auth.policy import anyone, roles, signed_in
from gateway.http.etag import IfMatch, tagged
from gateway.http.listing import Page, Span
from gateway.http.moments import MOMENT, moment
from gateway.http.services import services
from gateway.principal import Principal, Role
from modules.accounts.administration import Administration
from modules.accounts.deletion import Deletions
from modules.accounts.messages import (
    AuditRecord,
    Block,
    Me,
    PersonalData,
    Profile,
    ProfileChange,
    Revoke,
    RoleChange,
    SignInConfig,
    UserRecord,
    UserStatus,
)
from modules.accounts.service import Accounts

ADMIN = roles(Role.ADMIN)

Id = Annotated[str, PathParameter(pattern="^[A-Za-z0-9_-]{1,64}$")]
Moment = Annotated[
    str | None,
    QueryParameter(pattern=MOMENT, description="Only what was done from then on, a time of RFC 3339"),
]


@get("/auth/me", policy=signed_in(), sync_to_thread=False)
def me(principal: NamedDependency[Principal]) -> Me:
    """Who you are: what the token says, and what the platform adds to it."""
    return Me.of(principal)


# Not limited: the answer is always the same, and whoever signs in needs it, however busy others of the address are.
@get("/auth/config", policy=anyone(limited=False), sync_to_thread=False)
def config(sign_in: NamedDependency[SignInConfig]) -> SignInConfig:
    """Where and how to sign in."""
    return sign_in


@post("/auth/logout", policy=signed_in(), status_code=204)
async def logout(principal: NamedDependency[Principal], accounts: NamedDependency[Accounts]) -> None:
    """Refuse this token from now on, and all others of the same sign-in where the issuer names it."""
    await accounts.log_out(principal)


@post("/auth/revoke", policy=ADMIN, status_code=204)
async def revoke(
    data: JSONBody[Revoke], principal: NamedDependency[Principal], administration: NamedDependency[Administration]
) -> None:
    """Refuse all tokens that a user has, on every gateway within a second; their sockets close with 4501."""
    await administration.revoke(principal, data.user_id)


@get("/users/me", policy=signed_in())
async def profile(principal: NamedDependency[Principal], accounts: NamedDependency[Accounts]) -> Response[Profile]:
    """Your profile."""
    return tagged(await accounts.read(principal.id))


@patch("/users/me", policy=signed_in())
async def change(
    data: JSONBody[ProfileChange],
    principal: NamedDependency[Principal],
    accounts: NamedDependency[Accounts],
    if_match: NamedDependency[IfMatch],
) -> Response[Profile]:
    """Change your profile."""
    return tagged(await accounts.change(principal, data, if_match))


@delete("/users/me", policy=signed_in())
async def leave(principal: NamedDependency[Principal], deletions: NamedDependency[Deletions]) -> None:
    """Delete your account, for good."""
    await deletions.delete(principal, principal.id)


@get("/users/me/export", policy=signed_in())
async def export(
    principal: NamedDependency[Principal],
    accounts: NamedDependency[Accounts],
    after: Annotated[
        int, QueryParameter(ge=0, le=2**53 - 1, description="`next` of the answer before, for more of what you wrote")
    ] = 0,
) -> Response[PersonalData]:
    """All that the platform holds on you; of what you wrote up to 1,000 messages an answer."""
    headers = {"Content-Disposition": 'attachment; filename="ksmp.json"'}
    return Response(await accounts.personal_data(principal.id, after), headers=headers)


@get("/users", policy=ADMIN)
async def listing(
    span: NamedDependency[Span],
    administration: NamedDependency[Administration],
    q: Annotated[
        str | None,
        QueryParameter(min_length=1, max_length=100, description="A part of the name; or a whole id or phone number"),
    ] = None,
    role: Annotated[Role | None, QueryParameter(description="Only users of this role")] = None,
    status: Annotated[
        UserStatus | None,
        QueryParameter(description="Only users of this status; without it all who are not deleted"),
    ] = None,
) -> Page[UserRecord]:
    """Users, by name."""
    return await administration.users(span, q, role, status)


# Not conditional, because `seen_at` changes without a new `rev`.
@get("/users/{id:str}", policy=ADMIN, conditional=False)
async def read(id: Id, administration: NamedDependency[Administration]) -> Response[UserRecord]:
    """One user."""
    return tagged(await administration.read(id))


@put("/users/{id:str}/role", policy=ADMIN)
async def give_role(
    id: Id,
    data: JSONBody[RoleChange],
    principal: NamedDependency[Principal],
    administration: NamedDependency[Administration],
) -> Response[UserRecord]:
    """Give a user a role. Tokens of another one are refused from now on."""
    return tagged(await administration.give_role(principal, id, data.role))


@post("/users/{id:str}/block", policy=ADMIN, status_code=200)
async def block(
    id: Id,
    data: JSONBody[Block],
    principal: NamedDependency[Principal],
    administration: NamedDependency[Administration],
) -> Response[UserRecord]:
    """Keep a user out of the platform until they are unblocked; their sockets close with 4504."""
    return tagged(await administration.block(principal, id, data.reason))


@post("/users/{id:str}/unblock", policy=ADMIN, status_code=200)
async def unblock(
    id: Id, principal: NamedDependency[Principal], administration: NamedDependency[Administration]
) -> Response[UserRecord]:
    """Let a blocked user in again."""
    return tagged(await administration.unblock(principal, id))


@delete("/users/{id:str}", policy=ADMIN)
async def remove(id: Id, principal: NamedDependency[Principal], deletions: NamedDependency[Deletions]) -> None:
    """Delete a user, for good."""
    await deletions.delete(principal, id)


@get("/audit", policy=ADMIN)
async def audit(
    span: NamedDependency[Span],
    administration: NamedDependency[Administration],
    actor: Annotated[str | None, QueryParameter(max_length=64, description="Only what this user did")] = None,
    act: Annotated[str | None, QueryParameter(max_length=100, description="Only this act")] = None,
    subject: Annotated[str | None, QueryParameter(max_length=200, description="Only what was done to this")] = None,
    since: Moment = None,
) -> Page[AuditRecord]:
    """Privileged acts, the newest first."""
    return await administration.audit(span, actor=actor, act=act, subject=subject, since=moment(since, "since"))


def router(accounts: Accounts, administration: Administration, deletions: Deletions, sign_in: SignInConfig) -> Router:
    return Router(
        "/",
        route_handlers=[
            me,
            config,
            logout,
            revoke,
            profile,
            change,
            leave,
            export,
            listing,
            read,
            give_role,
            block,
            unblock,
            remove,
            audit,
        ],
        dependencies=services(accounts=accounts, administration=administration, deletions=deletions, sign_in=sign_in),
    )
