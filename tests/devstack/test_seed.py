"""The demo data of `ksmp dev`: made once, however often it starts."""

from __future__ import annotations

from prometheus_client import CollectorRegistry

from devstack.people import people
from devstack.seed import seed
from gateway import app, registry
from ksmp_testkit import MakeSettings

# The database is that of other tests too, and some count all that is there.
NO_FIGURES = {"KSMP_ANALYTICS_DEMO": "false"}


async def test_there_is_a_program_to_buy_and_a_coupon_once(settings: MakeSettings) -> None:
    chosen = settings()
    names = []
    for _ in range(2):
        built = app.Gateway(chosen, registry.enabled(chosen), environ=NO_FIGURES, registry_=CollectorRegistry())
        names.append(await seed(built.database, built.modules, people()))
    assert names[0] == names[1]
    assert (names[0]["paid_program"], names[0]["coupon"]) == ("demo-paid", "WELCOME10")
