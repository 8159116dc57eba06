"""Policies of the routes of a session, and the ids in their paths."""

from __future__ import annotations

from typing import Annotated

from litestar.params import PathParameter

from gateway.auth.policy import signed_in

NAME = "^[A-Za-z0-9_-]{1,64}$"
Id = Annotated[str, PathParameter(pattern=NAME)]
HOSTS = signed_in(owner="they are a mentor of the session or of its program, or an admin")
OF_PROGRAM = signed_in(owner="they take part in its program, or the session is open")
