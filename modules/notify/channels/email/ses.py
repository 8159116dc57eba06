"""Amazon SES, by its API v2: one call sends one mail, and its error says what may be done.

The SDK does not try again by itself: a call without an answer may have sent the mail. Source: "SendEmail" in the API
reference; the gateway needs the permission `ses:SendEmail` on the sender's identity and the configuration set.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import structlog
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ParamValidationError,
    PartialCredentialsError,
)

from gateway.aws.service import AwsConfig, ServiceClient
from modules.notify.mail.events import TAG
from modules.notify.states import DeliveryState

log = structlog.get_logger(__name__)

THROTTLED: Final = frozenset(
    {"TooManyRequestsException", "Throttling", "ThrottlingException", "LimitExceededException"}
)
# It is this mail that SES does not take.
REJECTED: Final = frozenset({"MessageRejected", "BadRequestException", "ValidationException"})
# Nothing can be sent until somebody does something.
PLATFORM: Final = "misconfigured"
# What says in words that a day's mails are used up, and not a second's.
DAILY: Final = "daily"


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What became of one call. With `pause` nothing else is sent for so many seconds. `counted`: see `Outcome`."""

    state: DeliveryState
    reason: str = ""
    vendor_id: str = ""
    pause: float = 0.0
    counted: bool = True
    # Whether SES is there at all.
    away: bool = False


class Ses:
    """Opens its client at the first mail. `at_once` calls may be under way together."""

    def __init__(self, aws: AwsConfig, *, configuration_set: str, at_once: int) -> None:
        self._ses = ServiceClient(aws, "sesv2", tries=1, max_pool_connections=at_once)
        self._more: Mapping[str, Any] = {"ConfigurationSetName": configuration_set} if configuration_set else {}

    async def close(self) -> None:
        await self._ses.close()

    async def send(self, message: bytes, recipient: str, delivery_id: str) -> Answer:
        """Send one mail; does not raise."""
        try:
            sent = await self._ses.send_email(
                Content={"Raw": {"Data": message}},
                Destination={"ToAddresses": [recipient]},
                EmailTags=[{"Name": TAG, "Value": delivery_id}],
                **self._more,
            )
        except ClientError as error:
            return _refused(error)
        except (NoCredentialsError, PartialCredentialsError, ParamValidationError) as error:
            log.error("mail.misconfigured", reason=str(error))
            return Answer(state=DeliveryState.WAITING, reason=PLATFORM, pause=60.0, counted=False)
        except (ConnectTimeoutError, EndpointConnectionError) as error:
            log.warning("mail.unreachable", reason=str(error))
            return Answer(state=DeliveryState.WAITING, reason="unreachable", counted=False, away=True)
        except (BotoCoreError, OSError, TimeoutError) as error:
            # It was asked, and did not answer: the mail may be on its way.
            log.warning("mail.no_answer", reason=repr(error))
            return Answer(state=DeliveryState.UNKNOWN, reason="no_answer", away=True)
        return Answer(state=DeliveryState.SENT, vendor_id=str(sent["MessageId"]))


def _refused(error: ClientError) -> Answer:
    code = str(error.response.get("Error", {}).get("Code", ""))
    message = str(error.response.get("Error", {}).get("Message", ""))
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    if code in THROTTLED or status == 429:
        pause = 900.0 if DAILY in message.lower() else 1.0
        return Answer(state=DeliveryState.WAITING, reason="throttled", pause=pause, counted=False)
    if code in REJECTED:
        # Its words may hold the address.
        log.warning("mail.rejected", code=code)
        return Answer(state=DeliveryState.FAILED, reason="rejected")
    if status >= 500:
        # The mail was not taken, says SES. Should it have been, its events say so before the next try.
        return Answer(state=DeliveryState.WAITING, reason="server_error", counted=False, away=True)
    # The sender is not verified, sending is paused, the credentials are no good: it is nobody's mail that is wrong.
    log.error("mail.misconfigured", code=code, reason=message)
    return Answer(state=DeliveryState.WAITING, reason=PLATFORM, pause=60.0, counted=False)
