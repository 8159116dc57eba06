"""Commands of `ksmp` that need no deployment: all of it on this machine. What one needs is imported when it runs."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import click

from gateway.telemetry.output import Output, descriptor_of

# How long a slow reader is waited for at the end.
LAST_LINES = 0.5


def duration(ctx: click.Context, param: click.Parameter, value: str) -> float:
    """Reads a time such as `90s`, `15m`, `8h` or `1d`; gives seconds."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd])", value, re.ASCII)
    if match is None:
        raise click.BadParameter(f"{value!r} is not a time like 90s, 15m, 8h or 1d.", ctx, param)
    return float(match[1]) * {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}[match[2]]


def prefix(ctx: click.Context, param: click.Parameter, value: str) -> str:
    """Checks that user ids made with this prefix are ones a token may name."""
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,40}", value, re.ASCII):
        raise click.BadParameter("use up to 40 letters, digits, - and _.", ctx, param)
    return value


data_option = click.option(
    "--data",
    type=click.Path(path_type=Path),
    default=Path(".ksmp"),
    show_default=True,
    help="Folder of `ksmp dev`.",
)


@click.command()
@data_option
@click.option("--port", type=click.IntRange(1, 65_500), default=8000, show_default=True, help="First gateway's port.")
@click.option("--gateways", type=click.IntRange(1, 16), default=2, show_default=True, help="Gateway processes.")
@click.option(
    "--nats-nodes", type=click.Choice(["1", "3"]), default="1", show_default=True, help="Servers of the NATS cluster."
)
@click.option("--cloud/--no-cloud", default=True, show_default=True, help="Whether AWS and Razorpay are stood in for.")
@click.option(
    "--module",
    "modules",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    multiple=True,
    help="Folder with a module that is not installed; may be given several times.",
)
@click.option("--reload", is_flag=True, help="Start the gateways again when their code or a module's changes.")
@click.option("--fresh", is_flag=True, help="Delete what earlier runs left in the folder, and start over.")
def dev(
    data: Path,
    port: int,
    gateways: int,
    nats_nodes: str,
    cloud: bool,
    modules: tuple[Path, ...],
    reload: bool,
    fresh: bool,
) -> None:
    """Run everything on this machine: PostgreSQL, NATS, a stand-in for AWS and Razorpay, and gateways.

    Nothing needs to be installed or set up. The gateways listen on PORT and the ports above it. Data is
    kept between runs; `dev.json` in the folder tells addresses, tokens and process ids while it runs.
    KSMP_* variables reach the gateways and win over what this command sets, except for KSMP_PORT.
    Ctrl-C stops everything.
    """
    # What follows takes a moment to load, and nobody should wonder whether anything happens.
    output = Output(descriptor_of(sys.stdout, 1))
    output.write(f"Starting in {data.absolute()}; Ctrl-C stops everything")
    from devstack.dev import Dev
    from devstack.stack import Options

    options = Options(
        data=data,
        port=port,
        gateways=gateways,
        nats_nodes=int(nats_nodes),
        cloud=cloud,
        modules=modules,
        reload=reload,
        fresh=fresh,
    )
    try:
        asyncio.run(Dev(options, say=output.write).run())
    finally:
        output.flush(LAST_LINES)


@click.command()
@data_option
@click.option("--role", type=click.Choice(["student", "mentor", "admin"]), required=True, help="Role of the users.")
@click.option("--count", type=click.IntRange(1), default=1, show_default=True, help="How many users.")
@click.option("--prefix", default="load", show_default=True, callback=prefix, help="What their ids begin with.")
@click.option(
    "--ttl", default="8h", show_default=True, callback=duration, help="How long the tokens live: 90s, 15m, 8h, 1d."
)
def token(data: Path, role: str, count: int, prefix: str, ttl: float) -> None:
    """Print tokens of the development issuer, one a line, each for a user of its own.

    The users are PREFIX-ROLE-1, PREFIX-ROLE-2 and so on. Works while `ksmp dev` is stopped, too.
    """
    from devstack.people import many_tokens
    from gateway.principal import Role
    from gateway.settings import Settings

    # Other settings need not be there. The default is that of a gateway.
    life = float(os.environ.get("KSMP_TOKEN_LIFE", Settings.token_life))
    if ttl > life:
        message = f"gateways accept tokens of at most {life:.0f} s (KSMP_TOKEN_LIFE)."
        raise click.BadParameter(message, param_hint="--ttl")
    for line in many_tokens(data, Role(role), count=count, prefix=prefix, ttl=ttl):
        click.echo(line)


@click.group()
def devcloud() -> None:
    """Drive the stand-in for AWS and Razorpay of a `ksmp dev`."""


@devcloud.command()
@click.argument("step", type=click.Choice(["start", "stop"]))
@click.argument("session", default="")
@click.option("--arn", default="", help="The channel itself, in place of a session.")
@click.option("--reconnect", is_flag=True, help="Come back when the service hangs up, as OBS does.")
@data_option
def stream(step: Literal["start", "stop"], session: str, arn: str, reconnect: bool, data: Path) -> None:
    """Let the video of SESSION begin or end, as a mentor's OBS would; without SESSION, that of the demo class."""
    if session and arn:
        raise click.UsageError("Name the session or the channel, not both.")
    from devstack.encoder import drive

    driven = drive(data, step, session=session, arn=arn, reconnect=reconnect)
    click.echo(f"{driven.stream_id} on {driven.channel_arn} {'is live' if step == 'start' else 'has ended'}")


@devcloud.command()
@click.argument("order")
@click.option(
    "--method",
    type=click.Choice(["upi", "card", "netbanking", "wallet"]),
    default="upi",
    show_default=True,
    help="What it is paid with.",
)
@click.option("--fail", is_flag=True, help="The payment fails.")
@click.option("--late", default="0s", callback=duration, help="The bank authorizes it after this time: 2h, 3d.")
@click.option("--twice", is_flag=True, help="Two tabs pay the order at once.")
@click.option("--lost", is_flag=True, help="The tab is closed after the payment: the page gets nothing.")
@data_option
def pay(order: str, method: str, fail: bool, late: float, twice: bool, lost: bool, data: Path) -> None:
    """Pay ORDER as a customer does at the checkout, or by its payment link.

    ORDER is the id of an order, or Razorpay's id of the order or of the link.

    Prints what the page gets. After a success that is what `POST /api/v1/payments/verify` takes; of a link it is the
    query of its callback. With --fail it is the error. With --late and --lost the page gets nothing.
    """
    if fail + bool(late) + twice > 1:
        raise click.UsageError("Choose one of --fail, --late and --twice.")
    from devstack import payer

    paid = payer.pay(data, order, method=method, fail=fail, late=late, twice=twice, lost=lost)
    for payment in paid.payments:
        click.echo(f"{payment.id} is {payment.status}", err=True)
    if late:
        click.echo("The bank authorizes it when `ksmp devcloud razorpay advance TIME` has moved the clock.", err=True)
    if paid.handed_over:
        click.echo(json.dumps(paid.handed_over))


@devcloud.group()
def razorpay() -> None:
    """Move what passes by itself at Razorpay."""


@razorpay.command()
@click.argument("time", callback=duration)
@data_option
def advance(time: float, data: Path) -> None:
    """Move the clock of the stand-in for Razorpay forward by TIME, such as 2h or 3d.

    Late payments are authorized, settlements made and webhooks sent on the way. The gateways' clock stays.
    """
    from devstack import payer

    moment = datetime.fromtimestamp(payer.advance(data, time).now, UTC)
    click.echo(f"It is {moment:%Y-%m-%d %H:%M} UTC at Razorpay")


@devcloud.command()
@click.argument("step", type=click.Choice(["on", "off", "replay"]))
@data_option
def webhook(step: Literal["on", "off", "replay"], data: Path) -> None:
    """Let the gateways hear of payments or not, or send again what nobody took in the last week.

    What happens while the webhook is off is never sent.
    """
    from devstack import payer

    if step == "replay":
        click.echo(f"{payer.replay_webhooks(data)} webhook(s) are sent again")
        return
    payer.switch_webhook(data, step)
    click.echo(f"The webhook is {step}")


@click.command()
@click.argument("name")
@click.option(
    "--into",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    help="Folder that the module's own folder is made in; by default the one you are in.",
)
def new_module(name: str, into: Path) -> None:
    """Write a small module NAME that works: its package, its page and a test, to be changed into your own."""
    from devstack.new_module import write

    folder = write(name, into)
    click.echo(f"{folder} holds the module {name}")
    click.echo(f"  uv run ksmp dev --module {folder} --reload    serves it")
    click.echo(f"  uv run pytest {folder}    runs its test")
