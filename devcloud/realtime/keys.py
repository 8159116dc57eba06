"""Public keys, by which participant tokens are verified that an account has signed by itself."""

from __future__ import annotations

from devcloud.cloud import Cloud, Handlers
from devcloud.document import Document
from devcloud.errors import Refused
from devcloud.ivs.playback import fingerprint, public_key
from devcloud.paging import page

handlers = Handlers("ivs-realtime")

KEY = "public-key"


@handlers("ImportPublicKey")
def import_key(cloud: Cloud, ask: Document) -> Document:
    cloud.quotas.allow(KEY, len(cloud.store.all(KEY)))
    print_ = fingerprint(public_key(ask["publicKeyMaterial"]))
    if cloud.store.all(KEY, lambda other: other["fingerprint"] == print_):
        raise Refused("ConflictException", "The key was imported already.")
    key = {
        "arn": cloud.place.arn(KEY),
        "name": ask.get("name", ""),
        "tags": ask.get("tags", {}),
        "fingerprint": print_,
        "publicKeyMaterial": ask["publicKeyMaterial"],
    }
    return {"publicKey": cloud.store.add(key)}


@handlers("GetPublicKey")
def get_key(cloud: Cloud, ask: Document) -> Document:
    return {"publicKey": cloud.store.get(ask["arn"])}


@handlers("ListPublicKeys")
def list_keys(cloud: Cloud, ask: Document) -> Document:
    return page(ask, "publicKeys", cloud.store.all(KEY))


@handlers("DeletePublicKey")
def delete_key(cloud: Cloud, ask: Document) -> Document:
    cloud.store.remove(ask["arn"])
    return {}
