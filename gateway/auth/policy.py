"""Says who may call a route. A route states its policy; it is checked before the route runs, and is in the API's docs.

    @post("/programs", policy=roles(Role.MENTOR, Role.ADMIN))
    @patch("/programs/{id:str}", policy=roles(Role.MENTOR, owner="it is the mentor's own program"))
    @post("/server/publish", policy=service("rooms.publish"))

A router or controller may state one for all its routes (`opt={"policy": …}`); the policy of a route takes precedence.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

from gateway.errors import Code, Refused, forbidden
from gateway.principal import Principal, Role, ServicePrincipal

OPT: Final = "policy"
EVERY_ROLE: Final = frozenset(Role)


@dataclass(frozen=True, kw_only=True)
class Policy:
    """The rule of a route; the functions below make it.

    `asks` says when the token is checked: `never`, `maybe` (where the request has one) or `always`; with `service` it
    must be the key of a service with this `scope`. `owner` is a clause that names a further check of the service, which
    refuses with `forbidden` or `not_found`. `means` names a proof that the route takes in place of a token.
    """

    asks: Literal["never", "maybe", "always", "service"]
    roles: frozenset[Role] = EVERY_ROLE
    owner: str = ""
    means: str = ""
    limited: bool = True
    scope: str = ""

    def check(self, principal: Principal | ServicePrincipal | None) -> None:
        """Raises Refused when this caller may not call the route."""
        if self.asks not in ("always", "service"):
            return
        if principal is None:
            raise Refused(Code.UNAUTHENTICATED, "Authorization: Bearer <token> is missing")
        if isinstance(principal, ServicePrincipal):
            if self.scope not in principal.scopes:
                raise forbidden(f"only for keys with the scope {self.scope}")
        elif principal.role not in self.roles:
            raise forbidden(f"only for: {', '.join(sorted(self.roles))}")

    def __str__(self) -> str:
        """The rule as a sentence."""
        if self.scope:
            provided = f", provided that {self.owner}" if self.owner else ""
            return f"Who may call it: a service whose key has the scope `{self.scope}`{provided}."
        if self.means:
            return f"Who may call it: whoever shows {self.means}."
        if self.asks != "always":
            return "Who may call it: anyone."
        who = "any signed-in user" if self.roles == EVERY_ROLE else f"role {' or '.join(sorted(self.roles))}"
        return f"Who may call it: {who}{', provided that ' + self.owner if self.owner else ''}."


def anyone(*, limited: bool = True) -> Policy:
    """No token is needed. A valid one identifies the caller, an invalid one is refused.

    With `limited=False` no token is looked at and no limit counts, as for probes, whose answer costs next to nothing.
    """
    return Policy(asks="maybe" if limited else "never", limited=limited)


def signed_in(*, owner: str = "") -> Policy:
    """A token of any role."""
    return Policy(asks="always", owner=owner)


def roles(*some: Role, owner: str = "") -> Policy:
    """A token of one of these roles."""
    return Policy(asks="always", roles=frozenset(some), owner=owner)


def service(scope: str, *, owner: str = "") -> Policy:
    """The key of a service with this scope, and no user's token. The route has `service: NamedDependency[…]`."""
    return Policy(asks="service", roles=frozenset(), scope=scope, owner=owner)


def otherwise(means: str, *, limited: bool = True) -> Policy:
    """The route itself checks another proof than a token, such as a webhook's signature.

    With `limited=False` no limit by address counts: the route limits those who show no good proof by itself.
    """
    return Policy(asks="never", means=means, limited=limited)


def policy_of(handler: Any) -> Policy | None:
    """The policy of a Litestar route handler, its own or that of a layer around it."""
    found = handler.opt.get(OPT)
    return found if isinstance(found, Policy) else None
