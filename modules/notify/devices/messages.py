"""What clients send and get of devices."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

from gateway import clock

App = Annotated[str, Meta(max_length=64, pattern="^[!-~]*$", description="The app and its version: `ksmp-android/4.2`")]
Locale = Annotated[str, Meta(max_length=35, pattern="^([A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8}){0,3})?$")]
Token = Annotated[str, Meta(pattern="^[!-~]{8,2048}$", description="A registration token of FCM")]
Fid = Annotated[str, Meta(pattern="^[A-Za-z0-9_-]{16,64}$", description="A Firebase installation id")]


class Platform(StrEnum):
    ANDROID = "android"
    IOS = "ios"
    WEB = "web"


class NewDevice(msgspec.Struct, frozen=True):
    """Where an installation is reached: by exactly one of `fid` and `token`. FCM is giving up tokens for ids.

    Once its id is registered, FCM stops the token of the same installation.
    """

    platform: Platform
    fid: Fid | None = None
    token: Token | None = None
    app: App = ""
    locale: Locale = ""

    @classmethod
    def example(cls) -> NewDevice:
        return cls(Platform.ANDROID, fid="cT5kqZ0xQ1mW8vYb3nLr2e", app="ksmp-android/4.2", locale="hi-IN")


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """An installation that the user is signed in on. `seen_at` is when the app last registered."""

    installation: str
    platform: Platform
    app: str
    locale: str
    registered_at: datetime
    seen_at: datetime

    @classmethod
    def example(cls) -> Device:
        return cls(
            installation="0b8e3c1e-5f2d-4c57-9c0d-3f1f6d0a7a11",
            platform=Platform.ANDROID,
            app="ksmp-android/4.2",
            locale="hi-IN",
            registered_at=clock.example_day(),
            seen_at=clock.example_day(),
        )


class Devices(msgspec.Struct, frozen=True):
    """All of a user's devices, the one that was seen last first."""

    items: list[Device]

    @classmethod
    def example(cls) -> Devices:
        return cls([Device.example()])
