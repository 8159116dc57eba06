"""Pages of modules: mounted at the root, outside of the API."""

from __future__ import annotations

import httpx
import pytest
from litestar import Router, get

from gateway import registry
from gateway.app import Gateway
from gateway.asgi import create_app
from gateway.auth.policy import anyone
from gateway.contract import Module
from gateway.registry import RegistryError
from ksmp_testkit import MakeGateway


@get("/", policy=anyone(), sync_to_thread=False)
def front() -> str:
    return "come in"


class DoorModule(Module):
    """A page and nothing else."""

    name = "door"
    pages = (Router("/door", route_handlers=[front]),)


class OtherDoorModule(Module):
    """The same page."""

    name = "other_door"
    pages = (Router("/door", route_handlers=[front]),)


async def test_a_page_is_at_the_root_and_not_in_the_description(gateway: MakeGateway) -> None:
    async with gateway(more=[DoorModule]) as running, httpx.AsyncClient(base_url=running.url) as http:
        page = await http.get("/door")
        assert (page.status_code, page.text) == (200, "come in")
        assert (await http.get("/api/v1/door")).status_code == 404
        assert "/door" not in (await http.get("/api/docs/openapi.json")).json()["paths"]


def test_two_modules_with_one_page_do_not_start() -> None:
    built = Gateway.described(registry.ordered([DoorModule, OtherDoorModule]))
    with pytest.raises(RegistryError, match="Modules door and other_door both answer GET /door; change one path"):
        create_app(built)


def test_a_page_that_says_nothing_of_who_may_open_it_does_not_start() -> None:
    @get("/open", sync_to_thread=False)
    def forgotten() -> None: ...

    class OpenModule(Module):
        name = "open"
        pages = (forgotten,)

    with pytest.raises(RegistryError, match=r"GET /open \(.*forgotten\) does not say who may call it"):
        create_app(Gateway.described(registry.ordered([OpenModule])))
