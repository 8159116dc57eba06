"""Tags of every resource, in each of the three services."""

from __future__ import annotations

from devcloud.cloud import Cloud, Handlers
from devcloud.document import Document
from devcloud.errors import Refused

MOST = 50


def _tag(cloud: Cloud, ask: Document) -> Document:
    tags = cloud.store.get(ask["resourceArn"]).setdefault("tags", {})
    if len(tags | ask["tags"]) > MOST:
        raise Refused("ValidationException", f"A resource has at most {MOST} tags.")
    tags.update(ask["tags"])
    return {}


def _untag(cloud: Cloud, ask: Document) -> Document:
    tags = cloud.store.get(ask["resourceArn"]).setdefault("tags", {})
    for key in ask["tagKeys"]:
        tags.pop(key, None)
    return {}


def _list(cloud: Cloud, ask: Document) -> Document:
    return {"tags": cloud.store.get(ask["resourceArn"]).get("tags", {})}


def handlers(service: str) -> Handlers:
    """The three operations on tags, which every service has."""
    result = Handlers(service)
    result("TagResource")(_tag)
    result("UntagResource")(_untag)
    result("ListTagsForResource")(_list)
    return result
