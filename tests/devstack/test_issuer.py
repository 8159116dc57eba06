"""The development issuer: its key file, and tokens shaped like Cognito's."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import jwt
import pytest

import gateway
from devstack.issuer import KEY_FILE, DevelopmentIssuer
from gateway.auth.keys import parse
from gateway.principal import Role
from gateway.settings import SettingsError
from tests.auth.clock import Clock
from tests.auth.tokens import NOW

ISSUER = "https://issuer.test"
CLIENT = "client"
PROCESSES = 2


@pytest.fixture
def clock() -> Clock:
    return Clock(NOW + 0.25)


def issuer_in(folder: Path) -> DevelopmentIssuer:
    return DevelopmentIssuer(folder, issuer=ISSUER, client_id=CLIENT)


def _kid(folder: Path) -> str:
    return str(issuer_in(folder).jwks()["keys"][0]["kid"])


def test_key_is_made_once_and_is_private(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "issuer"
    assert _kid(folder) == _kid(folder)
    assert [path.name for path in folder.iterdir()] == [KEY_FILE]
    assert stat.S_IMODE((folder / KEY_FILE).stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_processes_that_race_agree_on_a_key(tmp_path: Path) -> None:
    folders = [tmp_path / str(number) for number in range(4)]
    code = (
        "import sys; from pathlib import Path; from devstack.issuer import DevelopmentIssuer\n"
        "for line in sys.stdin:\n"
        "    issuer = DevelopmentIssuer(Path(line.strip()), issuer='i', client_id='c')\n"
        "    print(issuer.jwks()['keys'][0]['kid'], flush=True)\n"
    )
    root = str(Path(gateway.__file__).parents[1])
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", code],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": root},
        )
        for _ in range(PROCESSES)
    ]
    # The first folder finds them still importing; at the others they start together.
    answers: list[tuple[str, ...]] = []
    for folder in folders:
        for racer in racers:
            assert racer.stdin is not None
            racer.stdin.write(f"{folder}\n")
            racer.stdin.flush()
        answers.append(tuple(racer.stdout.readline() if racer.stdout else "" for racer in racers))
    for racer in racers:
        racer.communicate()
    for folder, kids in zip(folders, answers, strict=True):
        assert set(kids) == {_kid(folder) + "\n"}
        assert [path.name for path in folder.iterdir()] == [KEY_FILE]


@pytest.mark.parametrize("content", [b"", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"])
def test_bad_key_file_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / KEY_FILE).write_bytes(content)
    with pytest.raises(SettingsError, match=KEY_FILE):
        issuer_in(tmp_path)
    assert (tmp_path / KEY_FILE).read_bytes() == content


def test_tokens_are_shaped_like_cognitos(tmp_path: Path, clock: Clock) -> None:
    issuer = DevelopmentIssuer(tmp_path, issuer=ISSUER, client_id=CLIENT, now=clock)
    key = next(iter(parse(json.dumps(issuer.jwks()).encode()).values()))
    tokens = [issuer.token("u1", name="Asha", role=Role.MENTOR, ttl=2.5, token_use=use) for use in ("id", "access")]
    options: jwt.types.Options = {"verify_aud": False, "verify_exp": False, "verify_iat": False}
    seen = [jwt.decode(token, key, algorithms=["RS256"], options=options) for token in tokens]
    moment = 1_800_000_000
    shared: dict[str, Any] = {"iss": ISSUER, "sub": "u1", "cognito:groups": ["mentors"]}
    shared |= {"auth_time": moment, "iat": moment, "exp": moment + 3}
    jtis = {claims.pop("jti") for claims in seen}
    assert len(jtis) == 2
    address = {"email": "u1@example.com", "email_verified": True}
    named = {"name": "Asha", "cognito:username": "u1", **address}
    assert seen[0] == {**shared, "token_use": "id", "aud": CLIENT, **named}
    scope = "aws.cognito.signin.user.admin"
    access = {**shared, "token_use": "access", "client_id": CLIENT, "username": "u1", "scope": scope, "version": 2}
    assert seen[1] == access
    assert {jwt.get_unverified_header(token)["kid"] for token in tokens} == {issuer.jwks()["keys"][0]["kid"]}


def test_key_is_parsed_once(tmp_path: Path) -> None:
    issuer = issuer_in(tmp_path)
    (tmp_path / KEY_FILE).unlink()
    tokens = {issuer.token(f"u{number}", name="", role=Role.STUDENT, ttl=60) for number in range(200)}
    assert len(tokens) == 200
