"""What a front end needs to sign people in, beyond the kernel's issuer and app clients; and the way to the pool."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.settings import setting


@dataclass(frozen=True, kw_only=True)
class AccountsSettings:
    region: str = setting("", doc="AWS region of the user pool; empty with another issuer than Cognito")
    pool: str = setting("", doc="Id of the user pool; with it, changes of roles, revocations and deletions are told it")
    client_id: str = setting("", doc="App client of the web page; empty means the first of `KSMP_CLIENT_IDS`")
    email_fresh: float = setting(604800.0, doc="Seconds until the pool is asked again for a user's e-mail address")
    domain: str = setting("", doc="Domain of the pool's hosted sign-in pages, if it has them")
    cognito_endpoint: str = setting("", doc="Where Cognito is; empty means AWS, by region", https=True)
    cognito_timeout: float = setting(5.0, doc="How long one call of Cognito may take, without its retries")
