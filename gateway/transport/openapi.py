"""OpenAPI descriptions of the two routes that parse their request themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Final

from litestar.openapi.spec import OpenAPIMediaType, OpenAPIType, Operation, Parameter, RequestBody, Schema
from litestar.params import PathParameter

MARK: Final = "^[a-z][a-z0-9_]{0,31}:[A-Za-z0-9_-]{1,64}\\|[A-Za-z0-9_-]{1,64}\\|[0-9]{1,15}$"
ROOM: Final = "^[a-z][a-z0-9_]{0,31}:[A-Za-z0-9_-]{1,64}$"


RoomParameter = Annotated[str, PathParameter(pattern=ROOM, description="`<kind>:<id>`")]


def _strings(pattern: str) -> Schema:
    return Schema(type=OpenAPIType.ARRAY, items=Schema(type=OpenAPIType.STRING, pattern=pattern))


@dataclass
class EventsOperation(Operation):
    """`GET /realtime/sse`."""

    def __post_init__(self) -> None:
        self.parameters = [
            Parameter(
                name="room",
                param_in="query",
                description="A room to join; may be repeated.",
                schema=_strings(ROOM),
                example=["session:42"],
            ),
            Parameter(
                name="since",
                param_in="query",
                description="`<room>|<epoch>|<seq>`, the position to go on from; may be repeated.",
                schema=_strings(MARK),
                example=["session:42|f3|991"],
            ),
            Parameter(
                name="Last-Event-ID",
                param_in="header",
                description="The `id` of the last event that was received.",
                schema=Schema(type=OpenAPIType.STRING, pattern=MARK),
            ),
        ]
        events = Schema(type=OpenAPIType.STRING, description="Events whose `data` is a push as JSON.")
        _answers(self, "text/event-stream", OpenAPIMediaType(schema=events))


@dataclass
class CommandOperation(Operation):
    """`POST /api/v1/rooms/{room}/commands`."""

    def __post_init__(self) -> None:
        string = Schema(type=OpenAPIType.STRING)
        body = Schema(
            type=OpenAPIType.OBJECT,
            required=["cmd"],
            properties={
                "cmd": string,
                "nonce": Schema(type=OpenAPIType.STRING, pattern="^[A-Za-z0-9_.:-]{1,64}$"),
                "data": Schema(type=OpenAPIType.OBJECT, description="What a module's command takes."),
                "before": Schema(type=OpenAPIType.INTEGER, minimum=0, description="`history`: the seq to end below."),
                "limit": Schema(type=OpenAPIType.INTEGER, minimum=1, description="`history`, `presence`: how many."),
                "types": Schema(
                    type=OpenAPIType.ARRAY, items=string, max_items=20, description="`history`: the pushes wanted."
                ),
                "after": Schema(type=OpenAPIType.STRING, description="`presence`: the user id to begin behind."),
                "on": Schema(type=OpenAPIType.BOOLEAN, description="`typing`: whether the user types."),
            },
        )
        example = {"cmd": "chat.send", "nonce": "n1", "data": {"text": "Hello"}}
        self.request_body = RequestBody(
            required=True, content={"application/json": OpenAPIMediaType(schema=body, example=example)}
        )
        ok = Schema(type=[OpenAPIType.OBJECT, OpenAPIType.NULL], description="What the command's reply carries.")
        _answers(self, "application/json", OpenAPIMediaType(schema=ok, example={"seq": 991}))


def _answers(operation: Operation, media_type: str, media: OpenAPIMediaType) -> None:
    response: Any = (operation.responses or {})["200"]
    response.content = {media_type: media}
