"""Compositions: a stage mixed into one picture, sent to a channel or kept in S3."""

from __future__ import annotations

from devcloud import clock
from devcloud.cloud import Cloud, Handlers
from devcloud.document import Document
from devcloud.errors import Refused
from devcloud.events import COMPOSITION
from devcloud.ivs import streams
from devcloud.names import resource, token
from devcloud.paging import page

handlers = Handlers("ivs-realtime")

# What the token of an earlier request is kept under; no member of the model has this name.
IDEMPOTENCY = "idempotencyToken"
ENDED = ("STOPPED", "FAILED")


@handlers("StartComposition")
def start(cloud: Cloud, ask: Document) -> Document:
    stage = cloud.store.get(ask["stageArn"])
    same = cloud.store.all("composition", lambda composition: composition[IDEMPOTENCY] == ask.get(IDEMPOTENCY))
    if ask.get(IDEMPOTENCY) and same:
        if same[0]["asked"] != ask:
            raise Refused("ConflictException", "The idempotency token was used for another composition.")
        return {"composition": same[0]}
    if cloud.store.running(stage["arn"]) is None:
        raise Refused("ConflictException", "The stage has no active session.")
    destinations = [_destination(cloud, wanted) for wanted in ask["destinations"]]
    composition: Document = {
        "arn": cloud.place.arn("composition"),
        "stageArn": stage["arn"],
        "state": "ACTIVE",
        "layout": ask.get("layout") or {"grid": {}},
        "destinations": destinations,
        "tags": ask.get("tags", {}),
        "startTime": clock.stamp(clock.now()),
        IDEMPOTENCY: ask.get(IDEMPOTENCY, ""),
        "asked": ask,
    }
    cloud.store.add(composition)
    _tell(cloud, composition, "Session Start")
    for destination in destinations:
        _start_destination(cloud, composition, destination)
    return {"composition": composition}


@handlers("GetComposition")
def get(cloud: Cloud, ask: Document) -> Document:
    return {"composition": cloud.store.get(ask["arn"])}


@handlers("ListCompositions")
def show(cloud: Cloud, ask: Document) -> Document:
    stage, encoder = ask.get("filterByStageArn"), ask.get("filterByEncoderConfigurationArn")

    def wanted(composition: Document) -> bool:
        used = {arn for destination in composition["destinations"] for arn in _encoders(destination["configuration"])}
        return stage in (None, composition["stageArn"]) and (encoder is None or encoder in used)

    return page(ask, "compositions", cloud.store.all("composition", wanted))


@handlers("StopComposition")
def stop(cloud: Cloud, ask: Document) -> Document:
    composition = cloud.store.get(ask["arn"])
    if composition["state"] in ENDED:
        return {}
    for destination in composition["destinations"]:
        _stop_destination(cloud, composition, destination)
    composition["state"] = "STOPPED"
    composition["endTime"] = clock.stamp(clock.now())
    _tell(cloud, composition, "Session End")
    return {}


def _destination(cloud: Cloud, wanted: Document) -> Document:
    for arn in _encoders(wanted):
        cloud.store.get(arn)
    destination: Document = {"id": token(12), "state": "ACTIVE", "configuration": wanted}
    if wanted.get("channel"):
        cloud.store.get(wanted["channel"]["channelArn"])
    elif wanted.get("s3"):
        cloud.store.get(wanted["s3"]["storageConfigurationArn"])
    else:
        raise Refused("ValidationException", "A destination is a channel or S3.")
    return destination


def _encoders(wanted: Document) -> list[str]:
    channel, s3 = wanted.get("channel") or {}, wanted.get("s3") or {}
    return [arn for arn in (channel.get("encoderConfigurationArn"), *s3.get("encoderConfigurationArns", [])) if arn]


def _start_destination(cloud: Cloud, composition: Document, destination: Document) -> None:
    channel = destination["configuration"].get("channel")
    destination["startTime"] = composition["startTime"]
    if channel:
        try:
            streams.start(cloud, channel["channelArn"])
        except Refused as refused:
            destination["state"] = "FAILED"
            destination["endTime"] = composition["startTime"]
            _tell(cloud, composition, "Destination Failure", destination, reason=refused.message)
            return
    else:
        session = cloud.store.running(composition["stageArn"]) or {}
        prefix = f"{resource(composition['stageArn'])}/{session.get('sessionId')}/{resource(composition['arn'])}"
        destination["detail"] = {"s3": {"recordingPrefix": f"{prefix}/composite"}}
    _tell(cloud, composition, "Destination Start", destination)


def _stop_destination(cloud: Cloud, composition: Document, destination: Document) -> None:
    if destination["state"] in ENDED:
        return
    channel = destination["configuration"].get("channel")
    if channel and cloud.store.running(channel["channelArn"]) is not None:
        streams.end(cloud, channel["channelArn"])
    destination["state"] = "STOPPED"
    destination["endTime"] = clock.stamp(clock.now())
    _tell(cloud, composition, "Destination End", destination)


def _tell(
    cloud: Cloud, composition: Document, name: str, destination: Document | None = None, reason: str = ""
) -> None:
    detail = {"event_name": name, "stage_arn": composition["stageArn"]}
    if destination is not None:
        detail["id"] = destination["id"]
    if reason:
        detail["reason"] = reason
    cloud.events.emit(COMPOSITION, [composition["arn"]], detail)
