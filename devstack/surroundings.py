"""Variables that libraries read behind our back: a company's proxies, authorities, AWS profiles, database defaults.

What `ksmp dev` starts, and asks, is on loopback and takes nothing from them. Where a KSMP_* variable leads somewhere
else, such as to a real user pool, the variables that say how to get there are kept.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, MutableMapping
from typing import Final

from devstack import fcm, mixpanel, razorpay
from gateway.settings import variable
from gateway.surroundings import is_of_aws, is_of_postgres, leads_out

LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")

# Of servers and libraries that are set by our own settings here, and of things that only a deployment has.
_NEVER: Final = {
    "WEB_CONCURRENCY",
    "FORWARDED_ALLOW_IPS",
    "PROMETHEUS_MULTIPROC_DIR",
    "prometheus_multiproc_dir",
    "TEST_SERVER_MODE",
}
_NEVER_PREFIXES: Final = ("NATS_", "MOTO_", "LITESTAR_", "UVICORN_", "PICCOLO_", "WEBSOCKETS_")


def foreign(environ: Mapping[str, str], *, stand_in: bool = True) -> set[str]:
    """The names of those that are not to be taken; without `stand_in` AWS itself is used.

    `environ` may hold KSMP_* variables that lead away from this machine.
    """
    own_database = not environ.get(variable("database_url"))
    own_aws = stand_in and variable("aws_endpoint") not in environ
    # Another account at Razorpay, Google or Mixpanel, or nobody who stands in for them, is away from this machine too.
    own_vendor = razorpay.is_own(environ) or fcm.is_own(environ) or mixpanel.is_own(environ)
    stays = own_aws and not own_vendor and variable("jwks_url") not in environ
    return {
        name
        for name in environ
        if name in _NEVER
        or name.startswith(_NEVER_PREFIXES)
        or (own_database and is_of_postgres(name))
        or (own_aws and is_of_aws(name))
        or (stays and leads_out(name))
    }


# What this process had of them, for a program that it starts and that is to get out of the machine.
taken: Final[dict[str, str]] = {}


def leave_out(environ: MutableMapping[str, str] = os.environ, *, stand_in: bool = True) -> None:
    """Take them out, of this process by default, and so of all that it starts.

    What stays of proxies is not for loopback, and PostgreSQL on loopback is asked for no TLS, whatever the home
    folder says about it.
    """
    for name in foreign(environ, stand_in=stand_in):
        taken[name] = environ.pop(name)
    if not environ.get(variable("database_url")):
        environ["PGSSLMODE"] = "disable"
    if any(name.lower().endswith("_proxy") for name in environ):
        kept = environ.get("no_proxy") or environ.get("NO_PROXY")
        environ["no_proxy"] = environ["NO_PROXY"] = ",".join(filter(None, (kept, *LOOPBACK)))
