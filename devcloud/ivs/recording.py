"""Recording configurations: in which bucket a channel's streams are kept."""

from __future__ import annotations

from devcloud.cloud import Cloud, Handlers
from devcloud.document import Document
from devcloud.errors import Refused
from devcloud.paging import page

handlers = Handlers("ivs")


@handlers("CreateRecordingConfiguration")
def create(cloud: Cloud, ask: Document) -> Document:
    if not ask["destinationConfiguration"].get("s3"):
        raise Refused("ValidationException", "The destination configuration has no S3 bucket.")
    cloud.quotas.allow("recording-configuration", len(cloud.store.all("recording-configuration")))
    configuration: Document = {
        "name": "",
        "recordingReconnectWindowSeconds": 0,
        "renditionConfiguration": {"renditionSelection": "ALL"},
        "thumbnailConfiguration": {"recordingMode": "INTERVAL", "targetIntervalSeconds": 60},
        "tags": {},
        **ask,
        "arn": cloud.place.arn("recording-configuration"),
        "state": "ACTIVE",
    }
    return {"recordingConfiguration": cloud.store.add(configuration)}


@handlers("GetRecordingConfiguration")
def get(cloud: Cloud, ask: Document) -> Document:
    return {"recordingConfiguration": cloud.store.get(ask["arn"])}


@handlers("ListRecordingConfigurations")
def show(cloud: Cloud, ask: Document) -> Document:
    return page(ask, "recordingConfigurations", cloud.store.all("recording-configuration"))


@handlers("DeleteRecordingConfiguration")
def delete(cloud: Cloud, ask: Document) -> None:
    cloud.store.get(ask["arn"])
    if cloud.store.all("channel", lambda channel: channel["recordingConfigurationArn"] == ask["arn"]):
        raise Refused("ConflictException", "The recording configuration is in use by a channel.")
    cloud.store.remove(ask["arn"])
