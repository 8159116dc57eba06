"""The doctor: ok when everything answers, and what to do about each thing that does not."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import nats
import pytest

from devstack import ports
from devstack.checkup import examine_dev
from devstack.folder import DataFolder
from devstack.guard import Guard
from devstack.nats import NatsServer
from devstack.natsserver import binary
from devstack.postgres import Postgres
from devstack.process import Child
from gateway import doctor, registry
from gateway.db.migrate import migrate
from gateway.doctor import Finding, examine
from tests.bus.own_server import OwnServer, denied
from tests.client.stack import running

from .jwks import serve_jwks

# Those that say something of their settings.
MODULES = ["files", "notify", "analytics", "assignments", "payments"]
NOWHERE = "127.0.0.1:1"


@pytest.fixture(scope="module")
async def environ(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[dict[str, str]]:
    """The settings of a gateway for which everything is there but the migrations."""
    folder = tmp_path_factory.mktemp("servers")
    async with (
        Guard() as guard,
        Postgres(folder, guard=guard) as postgres,
        NatsServer(folder, guard=guard) as server,
        serve_jwks(json.dumps({"keys": [{"kty": "RSA"}, {"kty": "EC"}]})) as jwks_url,
    ):
        yield {
            "KSMP_DATABASE_URL": postgres.url,
            "KSMP_NATS_URL": server.url,
            "KSMP_ISSUER": "https://issuer.example",
            # Of this machine, which production does not allow.
            "KSMP_ENVIRONMENT": "development",
            "KSMP_JWKS_URL": jwks_url,
            "KSMP_CLIENT_IDS": "app",
        }


def finding(findings: list[Finding], subject: str) -> Finding:
    return next(found for found in findings if found.subject == subject)


async def test_all_is_well(environ: dict[str, str]) -> None:
    await migrate(environ["KSMP_DATABASE_URL"], registry.load())
    findings = await examine(environ)
    assert all(found.ok for found in findings), findings
    assert [found.subject for found in findings] == ["settings", *MODULES, "PostgreSQL", "NATS", "token keys"]
    assert finding(findings, "payments").text.startswith("no key of Razorpay is set, so nothing is sold")
    assert "has 1 RSA key(s)" in finding(findings, "token keys").text
    # The trial stream is gone again.
    client = await nats.connect(environ["KSMP_NATS_URL"])
    assert await client.jetstream().streams_info() == []
    await client.close()


async def test_migrations_that_are_missing(environ: dict[str, str]) -> None:
    await migrate(environ["KSMP_DATABASE_URL"], registry.load())
    empty = environ["KSMP_DATABASE_URL"].removesuffix("/ksmp") + "/postgres"
    found = finding(await examine(environ | {"KSMP_DATABASE_URL": empty}), "PostgreSQL")
    assert not found.ok
    assert found.text.endswith("migration(s); run `ksmp migrate`.")


@pytest.mark.parametrize(
    ("variable", "value", "subject", "text"),
    [
        ("KSMP_DATABASE_URL", f"postgresql://u:secret@{NOWHERE}/x", "PostgreSQL", f"{NOWHERE}/x refuses"),
        ("KSMP_NATS_URL", f"nats://u:secret@{NOWHERE}", "NATS", f"{NOWHERE} refuses"),
        ("KSMP_NATS_REPLICAS", "3", "NATS", "cannot hold a stream with 3 copies"),
        ("KSMP_JWKS_URL", f"http://{NOWHERE}/", "token keys", "gives no keys"),
        ("KSMP_MODULES", "chat", "settings", "requires live"),
        ("KSMP_PROT", "1", "settings", "KSMP_PROT is not a setting"),
        ("KSMP_PORT", "high", "settings", "KSMP_PORT has a bad value"),
        ("KSMP_PAYMENTS_KEY_ID", "rzp_test_1", "settings", "KSMP_PAYMENTS_KEY_SECRET is not set"),
        ("KSMP_CHAT_RATE_COUNT", "many", "settings", "KSMP_CHAT_RATE_COUNT has a bad value"),
    ],
)
async def test_what_is_wrong_is_named(
    environ: dict[str, str], variable: str, value: str, subject: str, text: str
) -> None:
    findings = await examine(environ | {variable: value})
    found = finding(findings, subject)
    assert not found.ok
    assert text in found.text
    assert str(found).startswith(f"FAIL  {subject}: ")
    assert not any("secret" in str(other) for other in findings)


async def test_what_else_is_obeyed_is_named(environ: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://user:secret@127.0.0.1:1")
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/authorities.pem")
    findings = await examine(environ)
    assert finding(findings, "settings").text.endswith("; also obeyed: PGSSLMODE, SSL_CERT_FILE, https_proxy")
    assert "What SSL_CERT_FILE, SSL_CERT_DIR or SSLKEYLOGFILE name cannot be used" in str(
        finding(findings, "token keys")
    )
    assert not any("secret" in str(found) for found in findings)


async def test_a_wrong_password(environ: dict[str, str]) -> None:
    wrong = environ["KSMP_DATABASE_URL"].replace("ksmp:", "ksmp:x", 1)
    found = finding(await examine(environ | {"KSMP_DATABASE_URL": wrong}), "PostgreSQL")
    assert not found.ok
    assert "password authentication failed" in found.text


async def test_an_old_server(environ: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "OLDEST_POSTGRES", 99)
    assert "99 or newer is needed" in finding(await examine(environ), "PostgreSQL").text


async def test_keys_of_no_use(environ: dict[str, str]) -> None:
    for document in ('{"keys": [{"kty": "EC"}]}', "<html>"):
        async with serve_jwks(document) as url:
            assert not finding(await examine(environ | {"KSMP_JWKS_URL": url}), "token keys").ok


async def test_nats_without_jetstream(environ: dict[str, str], tmp_path: Path) -> None:
    port = ports.choose()

    async def ready() -> bool:
        return not await asyncio.to_thread(ports.is_free, port)

    command = [str(binary()), "-a", "127.0.0.1", "-p", str(port)]
    async with Guard() as guard:
        plain = Child("plain", command, folder=tmp_path, ready=ready, guard=guard)
        await plain.start()
        found = finding(await examine(environ | {"KSMP_NATS_URL": f"nats://127.0.0.1:{port}"}), "NATS")
        await plain.stop()
    assert "has no JetStream" in found.text


@pytest.mark.parametrize(
    ("configuration", "text"),
    [
        ({"max_subscriptions": 60}, "raise max_subscriptions"),
        ({"max_payload": 8192}, "raise max_payload"),
        (denied(subscribe=["rooms.>"]), "permit gateways everything"),
        (denied(publish=["rooms.out.>"]), "does not let a gateway publish"),
        (denied(publish=["$JS.API.>"]), "has no JetStream"),
        ({"jetstream": {"max_file_store": 512}}, "cannot store"),
    ],
    ids=["subscriptions", "payload", "hear", "speak", "JetStream", "store"],
)
async def test_a_nats_that_does_not_let_a_gateway_work(
    environ: dict[str, str], tmp_path: Path, configuration: dict[str, Any], text: str
) -> None:
    async with Guard() as guard, OwnServer(tmp_path, guard, **configuration) as server:
        found = finding(await examine(environ | {"KSMP_NATS_URL": server.url}), "NATS")
    assert not found.ok
    assert text in found.text


async def test_a_dev_that_runs_and_one_that_is_stopped(tmp_path: Path) -> None:
    data = tmp_path / "data"
    async with running(tmp_path) as stack:
        findings = await examine_dev(data, {})
        assert all(found.ok for found in findings), findings
        # In development webhooks may go to this machine, and that is said.
        modules = [*MODULES[:4], "integrations", *MODULES[4:]]
        subjects = ["ksmp dev", "settings", *modules, "PostgreSQL", "NATS", "token keys", "stand-in for AWS"]
        assert [found.subject for found in findings] == subjects
        assert all(url in str(findings[0]) for url in stack.gateways)
        assert "is called with the key rzp_test_ksmp; 1 webhook secret(s)" in finding(findings, "payments").text
        assert finding(findings, "analytics").text.endswith("/mixpanel")
        wrong = finding(await examine_dev(data, {"KSMP_PROT": "1"}), "settings")
        assert not wrong.ok
        pid = (await stack.pids())[0]
        os.kill(pid, signal.SIGSTOP)
        try:
            hung = finding(await examine_dev(data, {}), "ksmp dev")
        finally:
            os.kill(pid, signal.SIGCONT)
        assert not hung.ok
        assert f"{stack.gateways[0]} does not answer" in hung.text
    findings = await examine_dev(data, {})
    assert [(found.subject, found.ok) for found in findings] == [("settings", True), ("ksmp dev", False)]
    assert "kept PostgreSQL's data, NATS' data, the token issuer's key; start it with" in findings[1].text
    assert not finding(await examine_dev(data, {"KSMP_PROT": "1"}), "settings").ok


async def test_a_dev_that_is_on_its_way(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "data")
    folder.claim()
    try:
        (found,) = await examine_dev(folder.path, {})
    finally:
        folder.release()
    assert not found.ok
    assert "it is starting or stopping" in found.text
