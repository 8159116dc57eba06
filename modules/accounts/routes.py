"""The routes of accounts."""

from __future__ import annotations

from litestar import get
from litestar.di import NamedDependency

from gateway.auth.policy import anyone, signed_in
from gateway.principal import Principal
from modules.accounts.messages import Me, SignInConfig


@get("/auth/me", policy=signed_in(), sync_to_thread=False)
def me(principal: NamedDependency[Principal]) -> Me:
    """Who the token says you are, and what the platform adds to it."""
    return Me.of(principal)


@get("/auth/config", policy=anyone(), sync_to_thread=False)
def config(sign_in: NamedDependency[SignInConfig]) -> SignInConfig:
    """Where and how to sign in."""
    return sign_in
