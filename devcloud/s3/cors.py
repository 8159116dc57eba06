"""Which pages may speak to a bucket: its CORS rules, the preflights of browsers, and the headers of answers."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final

from devcloud.s3.errors import S3Error
from devcloud.wire import Request, Response

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True)
class Rule:
    """Origins and headers may have a `*`; headers are in lower case. `age` is in seconds."""

    origins: tuple[str, ...]
    methods: tuple[str, ...]
    headers: tuple[str, ...] = ()
    exposed: tuple[str, ...] = ()
    age: str = ""

    def fits(self, origin: str, method: str, headers: Iterable[str] = ()) -> bool:
        return (
            any(fnmatchcase(origin, pattern) for pattern in self.origins)
            and method in self.methods
            and all(any(fnmatchcase(name, pattern) for pattern in self.headers) for name in headers)
        )

    def answered(self, origin: str) -> Headers:
        """What an answer to a page of this origin says."""
        everyone = self.origins == ("*",)
        found = [
            ("access-control-allow-origin", "*" if everyone else origin),
            ("access-control-allow-methods", ", ".join(self.methods)),
            ("vary", "Origin, Access-Control-Request-Headers, Access-Control-Request-Method"),
        ]
        found += [("access-control-allow-credentials", "true")] * (not everyone)
        found += [("access-control-expose-headers", ", ".join(self.exposed))] * bool(self.exposed)
        found += [("access-control-max-age", self.age)] * bool(self.age)
        return tuple(found)


# What a bucket for uploads from pages needs; see docs/files-on-aws.md.
OPEN: Final = Rule(
    origins=("*",),
    methods=("GET", "HEAD", "PUT", "POST"),
    headers=("*",),
    exposed=("ETag", "x-amz-checksum-sha256"),
    age="3000",
)


class Cors:
    """The rules of the buckets. Those that are there from the start let every page in."""

    def __init__(self, buckets: Iterable[str]) -> None:
        self._rules: dict[str, list[Rule]] = {bucket: [OPEN] for bucket in buckets}

    def put(self, bucket: str, body: bytes) -> None:
        """Take the rules of PutBucketCors; raises S3Error."""
        self._rules[bucket] = _rules(body)

    def delete(self, bucket: str) -> None:
        self._rules.pop(bucket, None)

    def preflight(self, bucket: str, request: Request) -> Response:
        """The answer to OPTIONS; raises S3Error."""
        origin, method = request.header("origin"), request.header("access-control-request-method")
        if not origin or not method:
            raise S3Error("BadRequest", "Insufficient information. Origin request header needed.")
        if bucket not in self._rules:
            raise S3Error("AccessForbidden", "CORSResponse: CORS is not enabled for this bucket.", 403)
        wanted = [name.strip().lower() for name in request.header("access-control-request-headers").split(",")]
        rule = self._rule(bucket, origin, method, [name for name in wanted if name])
        if rule is None:
            message = (
                "CORSResponse: This CORS request is not allowed. This is usually because the evalution of Origin, "
                "request method / Access-Control-Request-Method or Access-Control-Request-Headers are not whitelisted "
                "by the resource's CORS spec."
            )
            raise S3Error("AccessForbidden", message, 403)
        allowed = request.header("access-control-request-headers")
        headers = rule.answered(origin) + ((("access-control-allow-headers", allowed),) if allowed else ())
        return Response(headers=headers)

    def headers(self, bucket: str, request: Request) -> Headers:
        """What the answer to a request says to a page; nothing when it comes from none, or may not be read by it."""
        origin = request.header("origin")
        rule = self._rule(bucket, origin, request.method, ()) if origin else None
        return rule.answered(origin) if rule is not None else ()

    def _rule(self, bucket: str, origin: str, method: str, headers: Iterable[str]) -> Rule | None:
        return next((rule for rule in self._rules.get(bucket, ()) if rule.fits(origin, method, headers)), None)


def _rules(body: bytes) -> list[Rule]:
    rules = []
    try:
        for element in ET.fromstring(body):  # noqa: S314
            texts: dict[str, list[str]] = {}
            for child in element:
                texts.setdefault(child.tag.rpartition("}")[2], []).append(child.text or "")
            rules.append(
                Rule(
                    origins=tuple(texts["AllowedOrigin"]),
                    methods=tuple(texts["AllowedMethod"]),
                    headers=tuple(name.lower() for name in texts.get("AllowedHeader", ())),
                    exposed=tuple(texts.get("ExposeHeader", ())),
                    age=texts.get("MaxAgeSeconds", [""])[0],
                )
            )
    except (ET.ParseError, KeyError):
        raise S3Error("MalformedXML", "The XML you provided was not well-formed.") from None
    return rules
