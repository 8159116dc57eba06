"""Encoder and storage configurations of compositions."""

from __future__ import annotations

from devcloud.cloud import Cloud, Handlers
from devcloud.document import Document
from devcloud.paging import page

handlers = Handlers("ivs-realtime")

ENCODER = "encoder-configuration"
STORAGE = "storage-configuration"
VIDEO: Document = {"width": 1280, "height": 720, "framerate": 30.0, "bitrate": 2_500_000}


@handlers("CreateEncoderConfiguration")
def create_encoder(cloud: Cloud, ask: Document) -> Document:
    cloud.quotas.allow(ENCODER, len(cloud.store.all(ENCODER)))
    configuration: Document = {"name": "", "tags": {}, **ask, "arn": cloud.place.arn(ENCODER)}
    configuration["video"] = VIDEO | ask.get("video", {})
    return {"encoderConfiguration": cloud.store.add(configuration)}


@handlers("GetEncoderConfiguration")
def get_encoder(cloud: Cloud, ask: Document) -> Document:
    return {"encoderConfiguration": cloud.store.get(ask["arn"])}


@handlers("ListEncoderConfigurations")
def list_encoders(cloud: Cloud, ask: Document) -> Document:
    return page(ask, "encoderConfigurations", cloud.store.all(ENCODER))


@handlers("DeleteEncoderConfiguration")
def delete_encoder(cloud: Cloud, ask: Document) -> Document:
    cloud.store.remove(ask["arn"])
    return {}


@handlers("CreateStorageConfiguration")
def create_storage(cloud: Cloud, ask: Document) -> Document:
    cloud.quotas.allow(STORAGE, len(cloud.store.all(STORAGE)))
    configuration: Document = {"name": "", "tags": {}, **ask, "arn": cloud.place.arn(STORAGE)}
    return {"storageConfiguration": cloud.store.add(configuration)}


@handlers("GetStorageConfiguration")
def get_storage(cloud: Cloud, ask: Document) -> Document:
    return {"storageConfiguration": cloud.store.get(ask["arn"])}


@handlers("ListStorageConfigurations")
def list_storages(cloud: Cloud, ask: Document) -> Document:
    return page(ask, "storageConfigurations", cloud.store.all(STORAGE))


@handlers("DeleteStorageConfiguration")
def delete_storage(cloud: Cloud, ask: Document) -> Document:
    cloud.store.remove(ask["arn"])
    return {}
