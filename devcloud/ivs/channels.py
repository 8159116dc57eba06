"""Channels and their stream keys."""

from __future__ import annotations

from devcloud.cloud import Cloud, Handlers
from devcloud.document import Document
from devcloud.errors import Refused, not_found
from devcloud.ivs import recorder
from devcloud.names import resource, token
from devcloud.paging import page

handlers = Handlers("ivs")

_COPIED = (
    "authorized",
    "containerFormat",
    "insecureIngest",
    "latencyMode",
    "multitrackInputConfiguration",
    "name",
    "playbackRestrictionPolicyArn",
    "preset",
    "recordingConfigurationArn",
    "type",
)
_DEFAULTS: Document = {
    "authorized": False,
    "containerFormat": "TS",
    "insecureIngest": False,
    "latencyMode": "LOW",
    "multitrackInputConfiguration": {"enabled": False},
    "name": "",
    "playbackRestrictionPolicyArn": "",
    "preset": "",
    "recordingConfigurationArn": "",
    "tags": {},
    "type": "STANDARD",
}


@handlers("CreateChannel")
def create_channel(cloud: Cloud, ask: Document) -> Document:
    cloud.quotas.allow("channel", len(cloud.store.all("channel")))
    _check_references(cloud, ask)
    arn = cloud.place.arn("channel")
    name = f"{cloud.place.region}.{cloud.place.account}.channel.{resource(arn)}.m3u8"
    channel = cloud.store.add(
        _DEFAULTS
        | {member: ask[member] for member in (*_COPIED, "tags") if ask.get(member) is not None}
        | {
            "arn": arn,
            "ingestEndpoint": f"{token(12).lower()}.global-contribute.live-video.net",
            "playbackUrl": f"{cloud.url}/api/video/v1/{name}",
            "srt": {"endpoint": f"{token(12).lower()}.srt.live-video.net", "passphrase": token(32)},
        }
    )
    return {"channel": _shown(channel), "streamKey": _add_key(cloud, channel["arn"], {})}


@handlers("GetChannel")
def get_channel(cloud: Cloud, ask: Document) -> Document:
    return {"channel": _shown(cloud.store.get(ask["arn"]))}


@handlers("BatchGetChannel")
def batch_get_channel(cloud: Cloud, ask: Document) -> Document:
    found, errors = _batch(cloud, ask["arns"])
    return {"channels": [_shown(channel) for channel in found], "errors": errors}


@handlers("ListChannels")
def list_channels(cloud: Cloud, ask: Document) -> Document:
    filters = {
        "name": ask.get("filterByName"),
        "recordingConfigurationArn": ask.get("filterByRecordingConfigurationArn"),
        "playbackRestrictionPolicyArn": ask.get("filterByPlaybackRestrictionPolicyArn"),
    }
    wanted = {member: value for member, value in filters.items() if value is not None}
    if len(wanted) > 1:
        raise Refused("ValidationException", "Only one filter may be used at a time.")
    found = cloud.store.all("channel", lambda channel: all(channel[name] == value for name, value in wanted.items()))
    return page(ask, "channels", [_shown(channel) for channel in found])


@handlers("UpdateChannel")
def update_channel(cloud: Cloud, ask: Document) -> Document:
    channel = cloud.store.get(ask["arn"])
    if cloud.store.running(ask["arn"]) is not None:
        raise Refused("ConflictException", "The channel is live; its configuration cannot be updated.")
    _check_references(cloud, ask)
    channel.update({member: ask[member] for member in _COPIED if ask.get(member) is not None})
    return {"channel": _shown(channel)}


@handlers("DeleteChannel")
def delete_channel(cloud: Cloud, ask: Document) -> None:
    channel = cloud.store.get(ask["arn"])
    if cloud.store.running(ask["arn"]) is not None:
        raise Refused("ConflictException", "The channel is live; stop its stream first.")
    recorder.finish(cloud, channel)
    for key in _keys(cloud, ask["arn"]):
        cloud.store.remove(key["arn"])
    cloud.store.remove(ask["arn"])


@handlers("CreateStreamKey")
def create_stream_key(cloud: Cloud, ask: Document) -> Document:
    cloud.store.get(ask["channelArn"])
    cloud.quotas.allow("stream-key", len(_keys(cloud, ask["channelArn"])))
    return {"streamKey": _add_key(cloud, ask["channelArn"], ask.get("tags", {}))}


@handlers("GetStreamKey")
def get_stream_key(cloud: Cloud, ask: Document) -> Document:
    return {"streamKey": cloud.store.get(ask["arn"])}


@handlers("BatchGetStreamKey")
def batch_get_stream_key(cloud: Cloud, ask: Document) -> Document:
    found, errors = _batch(cloud, ask["arns"])
    return {"streamKeys": found, "errors": errors}


@handlers("ListStreamKeys")
def list_stream_keys(cloud: Cloud, ask: Document) -> Document:
    cloud.store.get(ask["channelArn"])
    return page(ask, "streamKeys", _keys(cloud, ask["channelArn"]))


@handlers("DeleteStreamKey")
def delete_stream_key(cloud: Cloud, ask: Document) -> None:
    cloud.store.remove(ask["arn"])


def has_key(cloud: Cloud, channel_arn: str) -> bool:
    """Whether an encoder could be let in."""
    return bool(_keys(cloud, channel_arn))


def _keys(cloud: Cloud, channel_arn: str) -> list[Document]:
    return cloud.store.all("stream-key", lambda key: key["channelArn"] == channel_arn)


def _add_key(cloud: Cloud, channel_arn: str, tags: Document) -> Document:
    key = {"arn": cloud.place.arn("stream-key"), "channelArn": channel_arn, "value": cloud.place.stream_key()}
    return cloud.store.add(key | {"tags": tags})


def _check_references(cloud: Cloud, ask: Document) -> None:
    for member in ("recordingConfigurationArn", "playbackRestrictionPolicyArn"):
        if ask.get(member):
            cloud.store.get(ask[member])


def _shown(channel: Document) -> Document:
    # An empty preset is none; the enumeration knows no empty one.
    return channel if channel["preset"] else {name: value for name, value in channel.items() if name != "preset"}


def _batch(cloud: Cloud, arns: list[str]) -> tuple[list[Document], list[Document]]:
    found, errors = [], []
    for arn in dict.fromkeys(arns):
        try:
            found.append(cloud.store.get(arn))
        except Refused as refused:
            errors.append({"arn": arn, "code": refused.code, "message": not_found(arn).message})
    return found, errors
