"""Stages: tokens to enter them, who is there, who publishes.

A stage has a session from when its first participant joins until its last one has left.
"""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import Any

import jwt
import msgspec

from devcloud import clock
from devcloud.cloud import Cloud, Handlers
from devcloud.document import Document
from devcloud.errors import Refused, not_found
from devcloud.events import STAGE
from devcloud.ivs.playback import public_key
from devcloud.names import resource, stage_session_id, token
from devcloud.paging import page
from devcloud.quotas import PARTICIPANT_TOKEN_ATTRIBUTE_BYTES

handlers = Handlers("ivs-realtime")

DEFAULT_MINUTES = 720
# That a token is too old is said in our own words.
ANY_TIME: Any = {"verify_exp": False, "require": ["exp", "jti", "resource"]}
PUBLISHERS = 12


@handlers("CreateStage")
def create_stage(cloud: Cloud, ask: Document) -> Document:
    cloud.quotas.allow("stage", len(cloud.store.all("stage")))
    arn = cloud.place.arn("stage")
    stage: Document = {
        "arn": arn,
        "name": ask.get("name", ""),
        "tags": ask.get("tags", {}),
        "endpoints": {
            "events": "wss://global.events.live-video.net",
            "whip": "https://global.whip.live-video.net",
            "rtmp": "rtmp://rtmp.global-contribute.live-video.net/app/",
            "rtmps": "rtmps://rtmp.global-contribute.live-video.net:443/app/",
        },
    }
    if ask.get("autoParticipantRecordingConfiguration"):
        stage["autoParticipantRecordingConfiguration"] = ask["autoParticipantRecordingConfiguration"]
    tokens = [_token(cloud, arn, wanted) for wanted in ask.get("participantTokenConfigurations", [])]
    cloud.store.add(stage)
    return {"stage": stage, "participantTokens": tokens}


@handlers("GetStage")
def get_stage(cloud: Cloud, ask: Document) -> Document:
    return {"stage": _stage(cloud, ask["arn"])}


@handlers("ListStages")
def list_stages(cloud: Cloud, ask: Document) -> Document:
    return page(ask, "stages", [_stage(cloud, stage["arn"]) for stage in cloud.store.all("stage")])


@handlers("UpdateStage")
def update_stage(cloud: Cloud, ask: Document) -> Document:
    stage = cloud.store.get(ask["arn"])
    if cloud.store.running(ask["arn"]) is not None and ask.get("autoParticipantRecordingConfiguration"):
        raise Refused("ConflictException", "The stage has an active session.")
    stage.update({name: value for name, value in ask.items() if value is not None})
    return {"stage": _stage(cloud, ask["arn"])}


@handlers("DeleteStage")
def delete_stage(cloud: Cloud, ask: Document) -> Document:
    session = cloud.store.running(ask["arn"])
    for participant in _present(cloud, session["sessionId"]) if session is not None else ():
        leave(cloud, ask["arn"], participant["participantId"])
    cloud.store.remove(ask["arn"])
    return {}


@handlers("CreateParticipantToken")
def create_participant_token(cloud: Cloud, ask: Document) -> Document:
    cloud.store.get(ask["stageArn"])
    return {"participantToken": _token(cloud, ask["stageArn"], ask)}


@handlers("DisconnectParticipant")
def disconnect_participant(cloud: Cloud, ask: Document) -> Document:
    cloud.store.get(ask["stageArn"])
    # Who was disconnected may not come back with the same token, whether they were there or not.
    cloud.store.kept.disconnected.setdefault(ask["stageArn"], []).append(ask["participantId"])
    session = cloud.store.running(ask["stageArn"])
    there = _present(cloud, session["sessionId"]) if session is not None else []
    if any(participant["participantId"] == ask["participantId"] for participant in there):
        leave(cloud, ask["stageArn"], ask["participantId"])
    return {}


@handlers("GetParticipant")
def get_participant(cloud: Cloud, ask: Document) -> Document:
    return {"participant": _participant(cloud, ask)}


@handlers("ListParticipants")
def list_participants(cloud: Cloud, ask: Document) -> Document:
    filters = {
        "userId": ask.get("filterByUserId"),
        "published": ask.get("filterByPublished"),
        "state": ask.get("filterByState"),
        "recordingState": ask.get("filterByRecordingState"),
    }
    wanted = {name: value for name, value in filters.items() if value is not None}
    if len(wanted) > 1:
        raise Refused("ValidationException", "Only one filter may be used at a time.")
    found = [
        participant
        for participant in _participants(cloud, ask["stageArn"], ask["sessionId"])
        if all(participant.get(name) == value for name, value in wanted.items())
    ]
    return page(ask, "participants", found)


@handlers("ListParticipantEvents")
def list_participant_events(cloud: Cloud, ask: Document) -> Document:
    return page(ask, "events", _participant(cloud, ask)["events"])


@handlers("GetStageSession")
def get_stage_session(cloud: Cloud, ask: Document) -> Document:
    cloud.store.get(ask["stageArn"])
    for session in cloud.store.sessions(ask["stageArn"]):
        if session["sessionId"] == ask["sessionId"]:
            return {"stageSession": session}
    raise not_found(f"{ask['stageArn']}/{ask['sessionId']}")


@handlers("ListStageSessions")
def list_stage_sessions(cloud: Cloud, ask: Document) -> Document:
    cloud.store.get(ask["stageArn"])
    return page(ask, "stageSessions", list(reversed(cloud.store.sessions(ask["stageArn"]))))


class TokenClaims(msgspec.Struct, rename={"stage": "resource", "id": "jti"}):
    """The claims of a participant token, which the stand-in gave out or an account has signed."""

    stage: str
    id: str
    exp: int
    user_id: str = ""
    attributes: dict[str, str] = {}
    capabilities: dict[str, bool] = {}


def join(cloud: Cloud, bearer: str, *, publish: bool) -> Document:
    """Let who holds this token join its stage, and publish. Raises Refused when the token does not allow it."""
    claims = _read(cloud, bearer)
    cloud.store.get(claims.stage)
    if claims.exp < clock.now().timestamp():
        raise Refused("AccessDeniedException", "The token has expired.")
    if claims.id in cloud.store.kept.disconnected.get(claims.stage, ()):
        raise Refused("AccessDeniedException", "The participant was disconnected.")
    if publish and not claims.capabilities.get("allow_publish"):
        raise Refused("AccessDeniedException", "The token does not allow to publish.")
    session = cloud.store.running(claims.stage) or _begin(cloud, claims.stage)
    there = _present(cloud, session["sessionId"])
    if publish and sum(participant["published"] for participant in there) >= PUBLISHERS:
        raise Refused("ServiceQuotaExceededException", f"A stage has at most {PUBLISHERS} publishers.")
    participant = next((item for item in there if item["participantId"] == claims.id), None)
    if participant is None:
        participant = {
            "participantId": claims.id,
            "userId": claims.user_id,
            "state": "CONNECTED",
            "firstJoinTime": clock.stamp(clock.now()),
            "attributes": claims.attributes,
            "published": False,
            "recordingState": "DISABLED",
            "events": [],
        }
        cloud.store.kept.participants.setdefault(session["sessionId"], []).append(participant)
        _note(participant, "JOINED")
    if publish and not participant["published"]:
        participant["published"] = True
        _note(participant, "PUBLISH_STARTED")
        _tell(cloud, claims.stage, session, participant, "Participant Published")
    return {"stageArn": claims.stage, "sessionId": session["sessionId"], "participantId": claims.id}


def leave(cloud: Cloud, stage_arn: str, participant_id: str) -> Document:
    """Let a participant leave. Raises Refused when they are not there."""
    cloud.store.get(stage_arn)
    session = cloud.store.running(stage_arn)
    there = _present(cloud, session["sessionId"]) if session is not None else []
    participant = next((item for item in there if item["participantId"] == participant_id), None)
    if session is None or participant is None:
        raise not_found(f"{stage_arn}/{participant_id}")
    if participant["published"]:
        participant["published"] = False
        _note(participant, "PUBLISH_STOPPED")
        _tell(cloud, stage_arn, session, participant, "Participant Unpublished")
    participant["state"] = "DISCONNECTED"
    _note(participant, "LEFT")
    if not _present(cloud, session["sessionId"]):
        session["endTime"] = clock.stamp(clock.now())
    return {"stageArn": stage_arn, "sessionId": session["sessionId"], "participantId": participant_id}


def _begin(cloud: Cloud, stage_arn: str) -> Document:
    session = {"sessionId": stage_session_id(), "startTime": clock.stamp(clock.now())}
    cloud.store.sessions(stage_arn).append(session)
    return session


def _token(cloud: Cloud, stage_arn: str, wanted: Document) -> Document:
    attributes: dict[str, str] = wanted.get("attributes") or {}
    if sum(len(key.encode()) + len(value.encode()) for key, value in attributes.items()) > (
        PARTICIPANT_TOKEN_ATTRIBUTE_BYTES
    ):
        raise Refused("ValidationException", "The attributes are larger than 1 KB in total.")
    minutes = wanted.get("duration", DEFAULT_MINUTES)
    capabilities = wanted.get("capabilities") or ["PUBLISH", "SUBSCRIBE"]
    expires = clock.now() + timedelta(minutes=minutes)
    claims = TokenClaims(
        stage=stage_arn,
        id=token(12),
        exp=int(expires.timestamp()),
        user_id=wanted.get("userId", ""),
        attributes=attributes,
        capabilities={f"allow_{name.lower()}": True for name in capabilities},
    )
    return {
        "participantId": claims.id,
        "token": _write(claims),
        "userId": claims.user_id,
        "attributes": attributes,
        "duration": minutes,
        "capabilities": capabilities,
        "expirationTime": clock.stamp(expires),
    }


def _write(claims: TokenClaims) -> str:
    """A token that looks like a JWT; nobody but the stand-in is to read it, and it knows its own."""
    parts = (b'{"alg":"none","typ":"JWT"}', msgspec.json.encode(claims), b"devcloud")
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)


def _read(cloud: Cloud, bearer: str) -> TokenClaims:
    try:
        header = jwt.get_unverified_header(bearer)
        if header["alg"] != "none":
            return _verified(cloud, bearer, header.get("kid", ""))
        text = bearer.split(".")[1]
        return msgspec.json.decode(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), type=TokenClaims)
    except (IndexError, ValueError, jwt.PyJWTError):
        raise Refused("AccessDeniedException", "The token is none.") from None


def _verified(cloud: Cloud, bearer: str, key_arn: str) -> TokenClaims:
    """The claims of a token that an account has signed, which are documented and so checked to the letter."""
    key = cloud.store.kept.resources.get(key_arn)
    if key is None:
        raise Refused("AccessDeniedException", "The token's key was not imported.")
    said = jwt.decode(bearer, public_key(key["publicKeyMaterial"]), algorithms=["ES384"], options=ANY_TIME)
    claims = msgspec.convert(said, TokenClaims)
    stage = cloud.store.get(claims.stage)
    wanted = {
        "topic": resource(claims.stage),
        "events_url": stage["endpoints"]["events"],
        "whip_url": stage["endpoints"]["whip"],
        "version": "1.0",
    }
    if any(said.get(name) != value for name, value in wanted.items()) or "iat" not in said:
        raise Refused("AccessDeniedException", "The token's claims are not those of its stage.")
    return claims


def _stage(cloud: Cloud, arn: str) -> Document:
    session = cloud.store.running(arn)
    return cloud.store.get(arn) | ({"activeSessionId": session["sessionId"]} if session is not None else {})


def _participants(cloud: Cloud, stage_arn: str, session_id: str) -> list[Document]:
    cloud.store.get(stage_arn)
    if not any(session["sessionId"] == session_id for session in cloud.store.sessions(stage_arn)):
        raise not_found(f"{stage_arn}/{session_id}")
    return cloud.store.kept.participants.get(session_id, [])


def _participant(cloud: Cloud, ask: Document) -> Document:
    for participant in _participants(cloud, ask["stageArn"], ask["sessionId"]):
        if participant["participantId"] == ask["participantId"]:
            return participant
    raise not_found(f"{ask['stageArn']}/{ask['participantId']}")


def _present(cloud: Cloud, session_id: str) -> list[Document]:
    everybody = cloud.store.kept.participants.get(session_id, [])
    return [participant for participant in everybody if participant["state"] == "CONNECTED"]


def _note(participant: Document, name: str) -> None:
    moment = clock.stamp(clock.now())
    participant["events"].append({"name": name, "participantId": participant["participantId"], "eventTime": moment})


def _tell(cloud: Cloud, stage_arn: str, session: Document, participant: Document, name: str) -> None:
    detail = {
        "session_id": session["sessionId"],
        "event_name": name,
        "event_time": clock.stamp(clock.now()),
        "user_id": participant["userId"],
        "participant_id": participant["participantId"],
        "replica": False,
    }
    cloud.events.emit(STAGE, [stage_arn], detail)
