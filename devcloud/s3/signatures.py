"""AWS signature version 4, as S3 reads it: in the headers, in the query of a presigned URL, and below a POST policy."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import quote, unquote, unquote_to_bytes

from devcloud.s3.errors import S3Error, denied
from devcloud.wire import Request

ALGORITHM: Final = "AWS4-HMAC-SHA256"
UNSIGNED: Final = "UNSIGNED-PAYLOAD"
LIFE_MOST: Final = 604_800
SKEW: Final = timedelta(minutes=15)
_HEADER: Final = re.compile(
    ALGORITHM + r"\s+Credential=([^,\s]+)\s*,\s*SignedHeaders=([^,\s]+)\s*,\s*Signature=([0-9a-f]+)\s*$"
)
_IN_QUERY: Final = ("Algorithm", "Credential", "Date", "Expires", "SignedHeaders", "Signature")


class AccessKeys:
    """The key pairs whose signatures are checked, by id.

    Requests whose headers are signed with other keys are taken unchecked, so that any credentials are good for an SDK.
    URLs and policies are for people who have no credentials, so one signed with an unknown key is refused.
    """

    def __init__(self, known: Mapping[str, str]) -> None:
        self.secrets = dict(known)


@dataclass(frozen=True)
class Credential:
    """`<id>/<date>/<region>/<service>/aws4_request`."""

    id: str
    date: str
    region: str
    service: str

    @property
    def scope(self) -> str:
        return f"{self.date}/{self.region}/{self.service}/aws4_request"


def query_pairs(query: str) -> list[tuple[str, str]]:
    """The names and values of a query, decoded, in its order."""
    pairs = (item.partition("=") for item in query.split("&") if item)
    return [(unquote(name), unquote(value)) for name, _, value in pairs]


class Verifier:
    """Checks that a request may do what it asks. The methods raise S3Error."""

    def __init__(self, keys: AccessKeys, region: str) -> None:
        self._keys = keys
        self._region = region

    def check(self, request: Request, now: datetime) -> None:
        """Check the signature of any request but an upload by POST."""
        names = {name for name, _ in query_pairs(request.query)}
        authorization = request.header("authorization")
        if names & {"X-Amz-Algorithm", "X-Amz-Signature", "X-Amz-Credential"}:
            self._check_query(request, now)
        elif authorization.startswith(ALGORITHM):
            self._check_headers(request, authorization, now)
        elif authorization or {"Signature", "AWSAccessKeyId"} <= names:
            raise _old()
        else:
            raise denied()

    def check_policy(self, fields: Mapping[str, str]) -> None:
        """Check who signed the policy of an upload by POST."""
        if "policy" not in fields:
            raise denied()
        if "x-amz-signature" not in fields:
            raise _old() if "signature" in fields else denied()
        if fields.get("x-amz-algorithm") != ALGORITHM:
            raise _old()
        credential = self._credential(fields.get("x-amz-credential", ""), "AuthorizationQueryParametersError")
        signature = self._sign(self._secret(credential), credential, fields["policy"])
        self._compare(signature, fields["x-amz-signature"])

    def _check_query(self, request: Request, now: datetime) -> None:
        pairs = query_pairs(request.query)
        query = dict(pairs)
        if any(f"X-Amz-{name}" not in query for name in _IN_QUERY):
            names = ", ".join(f"X-Amz-{name}" for name in _IN_QUERY)
            raise _malformed(f"Query-string authentication version 4 requires the {names} parameters.")
        if query["X-Amz-Algorithm"] != ALGORITHM:
            raise _malformed(f'X-Amz-Algorithm only supports "{ALGORITHM}"')
        credential = self._credential(query["X-Amz-Credential"], "AuthorizationQueryParametersError")
        at, life = _time(query["X-Amz-Date"]), query["X-Amz-Expires"]
        if at is None:
            raise _malformed("X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"")
        if not life.isdecimal() or not 0 < int(life) <= LIFE_MOST:
            raise _malformed("X-Amz-Expires must be less than a week (in seconds); that is, less than 604800 seconds")
        secret = self._secret(credential)
        if at > now + SKEW:
            raise denied("Request is not yet valid")
        if at + timedelta(seconds=int(life)) < now:
            raise denied("Request has expired")
        signed = query["X-Amz-SignedHeaders"].split(";")
        given = [(name, value) for name, value in pairs if name != "X-Amz-Signature"]
        payload = request.header("x-amz-content-sha256") or UNSIGNED
        canonical = _canonical(request, given, signed, payload)
        self._compare(self._sign_request(secret, credential, query["X-Amz-Date"], canonical), query["X-Amz-Signature"])

    def _check_headers(self, request: Request, authorization: str, now: datetime) -> None:
        match = _HEADER.match(authorization)
        if match is None:
            raise S3Error("AuthorizationHeaderMalformed", "The authorization header is malformed.")
        id = match[1].partition("/")[0]
        if id not in self._keys.secrets:
            return
        credential = self._credential(match[1], "AuthorizationHeaderMalformed")
        stamp = request.header("x-amz-date")
        at = _time(stamp)
        if at is None:
            raise denied("AWS authentication requires a valid Date or x-amz-date header")
        if abs(at - now) > SKEW:
            message = "The difference between the request time and the current time is too large."
            raise S3Error("RequestTimeTooSkewed", message, 403)
        payload = request.header("x-amz-content-sha256")
        if not payload:
            raise S3Error("InvalidRequest", "Missing required header for this request: x-amz-content-sha256")
        canonical = _canonical(request, query_pairs(request.query), match[2].split(";"), payload)
        self._compare(self._sign_request(self._secret(credential), credential, stamp, canonical), match[3])

    def _credential(self, text: str, code: str) -> Credential:
        parts = text.split("/")
        if len(parts) != 5 or parts[4] != "aws4_request":
            raise S3Error(
                code, 'the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".'
            )
        if parts[2] != self._region:
            raise S3Error(code, f"the region '{parts[2]}' is wrong; expecting '{self._region}'")
        return Credential(*parts[:4])

    def _secret(self, credential: Credential) -> str:
        secret = self._keys.secrets.get(credential.id)
        if secret is None:
            message = "The AWS Access Key Id you provided does not exist in our records."
            raise S3Error("InvalidAccessKeyId", message, 403)
        return secret

    def _sign_request(self, secret: str, credential: Credential, stamp: str, canonical: str) -> str:
        hashed = hashlib.sha256(canonical.encode()).hexdigest()
        return self._sign(secret, credential, f"{ALGORITHM}\n{stamp}\n{credential.scope}\n{hashed}")

    def _sign(self, secret: str, credential: Credential, text: str) -> str:
        key = f"AWS4{secret}".encode()
        for part in credential.scope.split("/"):
            key = hmac.digest(key, part.encode(), "sha256")
        return hmac.digest(key, text.encode(), "sha256").hex()

    def _compare(self, ours: str, theirs: str) -> None:
        if not hmac.compare_digest(ours.encode(), theirs.encode()):
            message = (
                "The request signature we calculated does not match the signature you provided. "
                "Check your key and signing method."
            )
            raise S3Error("SignatureDoesNotMatch", message, 403)


def _canonical(request: Request, query: Iterable[tuple[str, str]], signed: list[str], payload: str) -> str:
    """The canonical request; raises S3Error when a header that must be signed is not."""
    missing = [
        name
        for name, _ in request.headers
        if (name == "host" or name.startswith("x-amz-")) and name not in signed and name != "x-amz-content-sha256"
    ]
    if missing:
        raise denied("There were headers present in the request which were not signed: " + ", ".join(missing))
    headers = "".join(f"{name}:{_values(request, name)}\n" for name in signed)
    pairs = sorted((quote(name, safe="-_.~"), quote(value, safe="-_.~")) for name, value in query)
    return "\n".join(
        (
            request.method,
            quote(unquote_to_bytes(request.path), safe="/-_.~"),
            "&".join(f"{name}={value}" for name, value in pairs),
            headers,
            ";".join(signed),
            payload,
        )
    )


def _values(request: Request, name: str) -> str:
    return ",".join(" ".join(value.split()) for key, value in request.headers if key == name)


def _time(text: str) -> datetime | None:
    try:
        return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None


def _malformed(message: str) -> S3Error:
    return S3Error("AuthorizationQueryParametersError", message)


def _old() -> S3Error:
    message = "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256."
    return S3Error("InvalidRequest", message)
