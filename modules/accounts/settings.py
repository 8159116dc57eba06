"""What a front end needs to sign people in, beyond the kernel's issuer and app clients."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.settings import setting


@dataclass(frozen=True, kw_only=True)
class AccountsSettings:
    region: str = setting("", doc="AWS region of the user pool; empty with another issuer than Cognito")
    pool: str = setting("", doc="Id of the user pool")
    client_id: str = setting("", doc="App client of the web page; empty means the first of `KSMP_CLIENT_IDS`")
    domain: str = setting("", doc="Domain of the pool's hosted sign-in pages, if it has them")
