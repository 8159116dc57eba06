"""A test kit for modules: a running stack, clients, timers and events under the test's control.

`pytest -p ksmp_testkit.plugin` gives the fixtures; README.md lists them.
"""

from ksmp_testkit.eventually import eventually
from ksmp_testkit.live_class import CreateClass, CreateSession, LiveClass
from ksmp_testkit.member import Caller, Clients, Member
from ksmp_testkit.running import LOOPBACK, MakeGateway, Running
from ksmp_testkit.settings import CLIENT_ID, ISSUER, MakeSettings
from ksmp_testkit.socket_client import Closed, Message, WireClient, WireError
from ksmp_testkit.tokens import MakeToken

__all__ = [
    "CLIENT_ID",
    "Caller",
    "Clients",
    "Closed",
    "CreateClass",
    "CreateSession",
    "ISSUER",
    "LOOPBACK",
    "LiveClass",
    "MakeGateway",
    "MakeSettings",
    "MakeToken",
    "Member",
    "Message",
    "Running",
    "WireClient",
    "WireError",
    "eventually",
]
