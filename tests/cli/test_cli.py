"""The command line: quick, helpful, and one line on standard error when something is wrong."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

import click
import jwt
import pytest
from click.testing import CliRunner, Result

from devstack import people
from devstack.gateways import ISSUER
from devstack.issuer import DevelopmentIssuer
from gateway.cli import main
from gateway.principal import Role
from gateway.settings import Settings, table

SOMEWHERE = {
    "KSMP_DATABASE_URL": "postgresql://u:secret@127.0.0.1:1/x",
    "KSMP_NATS_URL": "nats://127.0.0.1:1",
    "KSMP_ISSUER": "i",
    "KSMP_JWKS_URL": "https://127.0.0.1:1/",
    "KSMP_LIVE_PUBLIC_URL": "https://ksmp.test",
    "KSMP_PAYMENTS_KEY_ID": "rzp_test_1",
    "KSMP_PAYMENTS_KEY_SECRET": "hunter2",
    "KSMP_PAYMENTS_WEBHOOK_SECRETS": "hunter3",
    "KSMP_CLIENT_IDS": "c",
    "KSMP_HOST": "127.0.0.1",
}

COMMANDS = [
    "dev",
    "token",
    "new-module",
    "serve",
    "migrate",
    "doctor",
    "modules",
    "events",
    "devcloud",
    "settings",
    "payments",
    "analytics",
]


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("KSMP_")]:
        monkeypatch.delenv(name)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def assert_one_line(result: Result, text: str) -> None:
    """That it failed, and said so in one line that holds the text."""
    assert result.exit_code == 1, result.output
    assert result.stderr.count("\n") == 1
    assert result.stderr.startswith("Error: ")
    assert text in result.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_and_option_has_a_help_text(command: str) -> None:
    result = run(command, "--help")
    assert result.exit_code == 0
    found = main.get_command(click.Context(main), command)
    assert found is not None
    assert found.help
    assert all(option.help for option in found.params if isinstance(option, click.Option))


def test_these_are_the_commands() -> None:
    assert main.list_commands(click.Context(main)) == sorted(COMMANDS)


def test_help_loads_nothing_heavy() -> None:
    program = (
        "import sys\n"
        "from click.testing import CliRunner\n"
        "from gateway.cli import main\n"
        "assert CliRunner().invoke(main, ['--help']).exit_code == 0\n"
        "heavy = {'litestar', 'uvicorn', 'asyncpg', 'piccolo', 'nats', 'httpx', 'jwt', 'cryptography', 'msgspec'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.strip() == "[]"


def test_version() -> None:
    assert version("ksmp") in run("--version").output


def issuer_in(data: Path) -> DevelopmentIssuer:
    return people.issuer(data / "issuer")


def test_tokens_are_for_users_of_their_own(tmp_path: Path) -> None:
    keys = jwt.PyJWKSet.from_dict(issuer_in(tmp_path).jwks())
    result = run(
        "token", "--data", str(tmp_path), "--role", "student", "--count", "3", "--prefix", "sim", "--ttl", "2h"
    )
    assert result.exit_code == 0
    tokens = result.output.split()
    assert len(tokens) == 3
    now = time.time()
    for number, token in enumerate(tokens, 1):
        claims = jwt.decode(token, keys.keys[0].key, algorithms=["RS256"], audience="ksmp-dev", issuer=ISSUER)
        assert claims["sub"] == f"sim-student-{number}"
        assert claims["name"] == f"Sim student {number}"
        assert 7100 < claims["exp"] - now <= 7202


def test_the_tokens_of_a_mentor_and_an_admin_carry_their_role(tmp_path: Path) -> None:
    issuer_in(tmp_path)
    groups = set()
    for role in ("student", "mentor", "admin"):
        token = run("token", "--data", str(tmp_path), "--role", role).output.strip()
        claims = jwt.decode(token, options={"verify_signature": False})
        assert claims["sub"] == f"load-{role}-1"
        groups.add(tuple(claims["cognito:groups"]))
    assert len(groups) == 3


def test_the_people_of_dev() -> None:
    found = people.people()
    assert {key: (who.id, who.name) for key, who in found.items()} == {
        "mentor": ("dev-mentor", "Meera (mentor)"),
        "student": ("dev-student", "Sanjay (student)"),
        "admin": ("dev-admin", "Dev (admin)"),
    }
    assert [who.role for who in found.values()] == [Role.MENTOR, Role.STUDENT, Role.ADMIN]


def test_a_folder_without_an_issuer_is_one_line_and_gets_none(tmp_path: Path) -> None:
    assert_one_line(
        run("token", "--data", str(tmp_path), "--role", "admin"), "has no development issuer; run `ksmp dev"
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "arguments",
    [
        ("--role", "teacher"),
        ("--role", "admin", "--ttl", "8"),
        ("--role", "admin", "--ttl", "٣h"),
        ("--role", "admin", "--ttl", "2d"),
        ("--role", "admin", "--count", "0"),
        ("--role", "admin", "--prefix", "a b"),
        (),
    ],
)
def test_a_bad_option_is_a_usage_error(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    result = run("token", "--data", str(tmp_path), *arguments)
    assert result.exit_code == 2
    assert "Usage:" in result.stderr


def test_serve_and_migrate_name_the_setting_that_is_missing() -> None:
    for command in ("serve", "migrate"):
        assert_one_line(run(command), "KSMP_DATABASE_URL is not set")


def test_migrate_without_a_database_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SOMEWHERE.items():
        monkeypatch.setenv(name, value)
    result = run("migrate")
    assert_one_line(result, "")
    assert "secret" not in result.output


def test_dev_in_a_folder_of_something_else_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").touch()
    assert_one_line(run("dev", "--data", str(tmp_path)), "holds something that `ksmp dev` did not make")


def test_dev_says_something_before_it_loads_anything(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    begun = time.monotonic()
    done = subprocess.Popen(
        [sys.executable, "-m", "gateway.cli", "dev", "--data", str(tmp_path / "file")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert done.stdout is not None
    assert done.stdout.readline().startswith("Starting in ")
    first = time.monotonic() - begun
    assert done.wait(20) == 1
    _, errors = done.communicate(timeout=5)
    assert errors == f"Error: {tmp_path}/file is not a folder; choose another one with --data.\n"
    # A second on an idle machine; a busy one gets more, and loading everything would take longer still.
    assert first < 3


@pytest.mark.parametrize(
    ("variable", "value", "text"),
    [
        ("KSMP_PROT", "1", "KSMP_PROT is not a setting"),
        ("KSMP_PING_INTERVAL", "soon", "KSMP_PING_INTERVAL has a bad value"),
        ("KSMP_CHAT_RATE_COUNT", "many", "KSMP_CHAT_RATE_COUNT has a bad value"),
        ("KSMP_MODULES", "chat", "Module chat requires live"),
    ],
)
def test_dev_names_a_bad_variable_before_anything_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, text: str
) -> None:
    monkeypatch.setenv(variable, value)
    assert_one_line(run("dev", "--data", str(tmp_path / "data")), text)
    assert list(tmp_path.iterdir()) == []


def test_dev_names_a_folder_without_a_module_before_anything_is_made(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    found = run("dev", "--data", str(tmp_path / "data"), "--module", str(tmp_path / "empty"))
    assert_one_line(found, "holds no module: it needs a pyproject.toml")
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("workers", ["1", "2"])
def test_serve_on_a_taken_port_is_one_line(workers: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = subprocess.run(
            [sys.executable, "-m", "gateway.cli", "serve", "--workers", workers],
            env=os.environ | SOMEWHERE | {"KSMP_PORT": port},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr.startswith(f"Error: 127.0.0.1 port {port} cannot be listened on (Address already in use)")
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("variable", "value", "sentence"),
    [
        ("SSL_CERT_FILE", "/nowhere/authorities.pem", "Error: What SSL_CERT_FILE, SSL_CERT_DIR or SSLKEYLOGFILE name"),
        ("ALL_PROXY", "socks5://127.0.0.1:9", "Error: A proxy that http_proxy, https_proxy or all_proxy name"),
        ("KSMP_LIVE_PUBLIC_URL", "", "Error: KSMP_LIVE_PUBLIC_URL is not set, which production demands: "),
    ],
)
def test_serve_says_in_one_line_what_it_cannot_obey(variable: str, value: str, sentence: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "gateway.cli", "serve"],
        env=os.environ | SOMEWHERE | {variable: value},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith(sentence)
    assert done.stderr.count("\n") == 1


def test_doctor_of_a_folder_of_something_else_is_one_line(tmp_path: Path) -> None:
    assert_one_line(run("doctor", "--data", str(tmp_path)), "is no folder of `ksmp dev`; run `ksmp dev --data")


def test_packages_bring_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "greeting.py").write_text(
        "import click\n\n@click.command()\ndef greet():\n    \"Say hello.\"\n    click.echo('hello')\n"
    )
    information = tmp_path / "greeting-1.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: greeting\nVersion: 1\n")
    (information / "entry_points.txt").write_text(
        "[ksmp.commands]\ngreet = greeting:greet\nlost = greeting.gone:lost\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    assert re.search(r"greet +Say hello\.\n(.*\n)* +lost +It cannot be loaded: ", run("--help").output)
    assert run("greet").output == "hello\n"
    assert_one_line(run("lost"), "lost: It cannot be loaded: ModuleNotFoundError")


def test_settings_prints_the_documented_table() -> None:
    result = run("settings")
    assert result.exit_code == 0
    assert result.output.startswith(table(Settings))


def test_settings_has_those_of_the_modules() -> None:
    assert "KSMP_CHAT_" in run("settings").output


def test_modules_tells_what_each_adds_and_which_are_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KSMP_MODULES", "accounts, files, programs, live")
    lines = run("modules").output.splitlines()
    assert f"live {version('ksmp')} (on)" in lines
    chat = lines.index(f"chat {version('ksmp')} (off)")
    assert lines[chat + 1] == "  requires: live, programs, files, accounts"
    assert lines[chat + 2] == "  rooms: direct"
    assert lines[chat + 3].startswith("  commands: chat.send")
    assert any(line.startswith("  rooms: ") and "session" in line.split(", ") for line in lines)


def test_modules_that_cannot_start_are_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KSMP_MODULES", "chat")
    assert_one_line(run("modules"), "Module chat requires live")


def test_an_error_of_our_own_making_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*arguments: object) -> None:
        raise KeyError("a bug")

    monkeypatch.setattr("gateway.settings.table", broken)
    assert isinstance(run("settings").exception, KeyError)


def test_dead_letters_must_be_chosen_to_be_sent_again() -> None:
    for arguments in ([], ["1", "--all"], ["--all", "--name", "live.end"]):
        result = run("events", "dead", "requeue", *arguments)
        assert result.exit_code == 2
        assert "Say which" in result.stderr


@pytest.mark.parametrize("command", ["show", "requeue"])
def test_the_commands_for_dead_letters_are_explained(command: str) -> None:
    result = run("events", "dead", command, "--help")
    assert result.exit_code == 0
    assert "dead letter" in result.output


@pytest.mark.parametrize("arguments", [(), ("show", "1"), ("requeue", "--all")])
def test_dead_letters_of_a_folder_where_nothing_runs_are_one_line(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    assert_one_line(run("events", "dead", "--data", str(tmp_path), *arguments), "no `ksmp dev` runs in")
    assert list(tmp_path.iterdir()) == []
