"""E-mail addresses of users, as their tokens say them."""

from __future__ import annotations

import uuid

import httpx
import pytest

from devstack.issuer import DevelopmentIssuer
from gateway.auth.claims import Claims, email_address
from gateway.principal import Role
from ksmp_testkit import MakeToken, Running
from modules.accounts.facade import Address, addresses_of
from modules.accounts.module import AccountsModule


async def profile(node: Running, token: str) -> dict[str, object]:
    async with httpx.AsyncClient(base_url=node.url, headers={"Authorization": f"Bearer {token}"}) as http:
        answer = await http.get("/api/v1/users/me")
        assert answer.status_code == 200, answer.text
        shown: dict[str, object] = answer.json()
        return shown


async def test_the_newest_token_that_names_an_address_counts(
    node: Running, token: MakeToken, issuer: DevelopmentIssuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = f"u-{uuid.uuid4().hex}"
    kernel, now = node.module(AccountsModule).kernel, issuer._now()

    def issued(seconds: float, email: str, *, verified: bool = True) -> str:
        with monkeypatch.context() as patch:
            patch.setattr(issuer, "_now", lambda: now + seconds)
            return issuer.token(user, name="Asha", role=Role.STUDENT, ttl=600.0, email=email, email_verified=verified)

    assert await addresses_of(kernel, [user]) == {user: None}
    first = issued(-90, "asha@old.example.org")
    shown = await profile(node, first)
    assert (shown["email"], shown["email_verified"]) == ("asha@old.example.org", True)
    shown = await profile(node, issued(-60, "asha@new.example.org", verified=False))
    assert (shown["email"], shown["email_verified"], shown["rev"]) == ("asha@new.example.org", False, 2)
    # Neither an old token that is still good, nor one that names no address, changes it back.
    for silent in (first, token(user, name="Asha", token_use="access"), issued(-30, "")):
        assert (await profile(node, silent))["email"] == "asha@new.example.org"
    assert await addresses_of(kernel, [user]) == {user: Address("asha@new.example.org", False)}


async def test_admins_find_a_user_by_a_whole_address(node: Running, token: MakeToken) -> None:
    user = f"u-{uuid.uuid4().hex}"
    await profile(node, token(user, email=f"{user}@Example.org"))
    headers = {"Authorization": f"Bearer {token('post-admin', 'admin')}"}
    async with httpx.AsyncClient(base_url=node.url, headers=headers) as http:
        found = (await http.get("/api/v1/users", params={"q": f"{user.upper()}@example.org"})).json()
        assert [one["id"] for one in found["items"]] == [user]
        assert not (await http.get("/api/v1/users", params={"q": user[2:] + "@example"})).json()["items"]


@pytest.mark.parametrize("verified", [True, "true", "True"])
def test_what_an_issuer_says_of_an_address(verified: object) -> None:
    claims = {"iss": "", "sub": "u", "token_use": "id", "exp": 1, "iat": 0, "email": "a@B.org"}
    principal = Claims(**claims, email_verified=verified).principal()  # type: ignore[arg-type]
    assert (principal.email, principal.email_verified) == ("a@b.org", True)


BAD = ["", "asha", "@b.org", "a@", "a@b@c.org", "a b@c.org", "a@b.org\r\nBcc: x@y.org", "a,b@c.org", "<a@b.org>"]


@pytest.mark.parametrize("bad", BAD)
def test_no_mail_goes_to_what_is_no_address(bad: str) -> None:
    assert email_address(bad) == ""
    assert email_address("Asha.K+ksmp@Example.ORG") == "Asha.K+ksmp@example.org"
