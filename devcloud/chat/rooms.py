"""Rooms and the tokens to enter them; no socket is behind them."""

from __future__ import annotations

from datetime import timedelta

from devcloud import clock
from devcloud.cloud import Cloud, Handlers
from devcloud.document import Document
from devcloud.names import resource, token
from devcloud.paging import page

handlers = Handlers("ivschat")

DEFAULT_MINUTES = 60
TOKEN_SECONDS = 60


@handlers("CreateRoom")
def create(cloud: Cloud, ask: Document) -> Document:
    cloud.quotas.allow("room", len(cloud.store.all("room")))
    arn = cloud.place.arn("room", "ivschat")
    moment = clock.stamp(clock.now())
    room: Document = {
        "name": "",
        "maximumMessageRatePerSecond": 10,
        "maximumMessageLength": 500,
        "tags": {},
        "loggingConfigurationIdentifiers": [],
        **ask,
        "arn": arn,
        "id": resource(arn),
        "createTime": moment,
        "updateTime": moment,
    }
    return cloud.store.add(room)


@handlers("GetRoom")
def get(cloud: Cloud, ask: Document) -> Document:
    return cloud.store.get(ask["identifier"])


@handlers("ListRooms")
def show(cloud: Cloud, ask: Document) -> Document:
    name = ask.get("name")
    return page(ask, "rooms", cloud.store.all("room", lambda room: name in (None, room["name"])))


@handlers("UpdateRoom")
def update(cloud: Cloud, ask: Document) -> Document:
    room = cloud.store.get(ask["identifier"])
    room.update({name: value for name, value in ask.items() if name != "identifier" and value is not None})
    room["updateTime"] = clock.stamp(clock.now())
    return room


@handlers("DeleteRoom")
def delete(cloud: Cloud, ask: Document) -> None:
    cloud.store.remove(ask["identifier"])


@handlers("CreateChatToken")
def create_token(cloud: Cloud, ask: Document) -> Document:
    cloud.store.get(ask["roomIdentifier"])
    moment = clock.now()
    session = timedelta(minutes=ask.get("sessionDurationInMinutes", DEFAULT_MINUTES))
    return {
        "token": token(64),
        "tokenExpirationTime": clock.stamp(moment + timedelta(seconds=TOKEN_SECONDS)),
        "sessionExpirationTime": clock.stamp(moment + session),
    }


@handlers("SendEvent")
def send_event(cloud: Cloud, ask: Document) -> Document:
    cloud.store.get(ask["roomIdentifier"])
    return {"id": token(12)}


@handlers("DeleteMessage")
def delete_message(cloud: Cloud, ask: Document) -> Document:
    cloud.store.get(ask["roomIdentifier"])
    return {"id": token(12)}


@handlers("DisconnectUser")
def disconnect_user(cloud: Cloud, ask: Document) -> Document:
    cloud.store.get(ask["roomIdentifier"])
    return {}
