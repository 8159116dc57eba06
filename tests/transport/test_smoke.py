from __future__ import annotations
import time
from tests.conftest import MakeToken, Running, MakeGateway
from tests.wire import connected

async def test_one(node: Running, token: MakeToken, room: str):
    async with connected(node.ws_url, token("a")) as a, connected(node.ws_url, token("b"), "msgpack") as b:
        print(await a.join(room)); await b.join(room)
        await a.say(room, "hi")
        print(await b.expect_push("chat.message"))

async def test_two(gateway: MakeGateway):
    t=time.time()
    async with gateway() as g:
        print("start", time.time()-t)
        t=time.time()
    print("stop", time.time()-t)
