"""The command `ksmp payments`, for operators. What it needs is imported when it runs."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from gateway.contract.deployment import Deployment
    from modules.payments.reconciliation.reconciliation import Report


@click.group()
def payments() -> None:
    """Look after payments."""


@payments.command()
@click.option(
    "--since",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="YYYY-MM-DD",
    required=True,
    help="First day (in India) of the orders and settlements that are compared.",
)
@click.option("--data", type=click.Path(path_type=Path), help="Folder of a `ksmp dev` that runs, to look at instead.")
@click.pass_obj
def reconcile(deployment: Deployment, since: datetime, data: Path | None) -> None:
    """Compare orders and settlements with Razorpay, heal what was lost, and list what differs.

    The exit status is 1 when something differs, or could not be compared.
    """
    report = asyncio.run(_reconciled(deployment, since, data))
    for line in lines(report, since):
        click.echo(line)
    if not report.agrees:
        raise click.exceptions.Exit(1)


async def _reconciled(deployment: Deployment, since: datetime, data: Path | None) -> Report:
    from modules.payments.module import PaymentsModule

    async with deployment.module(PaymentsModule, data) as module:
        return await module.reconcile(since.date())


def lines(report: Report, since: datetime) -> Iterator[str]:
    """What an operator reads."""
    yield f"since {since.date().isoformat()}"
    yield f"orders compared: {report.orders}, healed: {report.orders_healed}, not compared: {len(report.orders_failed)}"
    yield f"unfinished refunds handed to the gateways: {report.refunds}"
    settled = report.settled
    yield (
        f"settlements compared: {settled.settlements} with {settled.lines} lines over {report.days} days, "
        f"healed: {settled.healed}"
    )
    yield f"ledger transactions that do not sum to zero: {report.unbalanced}"
    for failed in report.orders_failed:
        yield f"not compared  {failed}"
    yield f"open differences: {len(report.open)}"
    for one in report.open:
        found = one.found_at.isoformat(timespec="seconds")
        yield f"{one.id}  {found}  {one.kind}  {one.subject}  ours: {one.ours}  theirs: {one.theirs}  {one.detail}"
