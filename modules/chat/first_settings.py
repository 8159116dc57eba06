"""The settings of rooms in which nobody has changed any, by the kind of room: the operator says them."""

from __future__ import annotations

from collections.abc import Mapping

from modules.chat.messages import Attachments, Links, Mode
from modules.chat.pushes import ChatRules
from modules.chat.room_kinds import DIRECT, PROGRAM, SESSION
from modules.chat.settings import ChatSettings


def first_settings(settings: ChatSettings) -> Mapping[str, ChatRules]:
    """Nobody changes those of direct rooms, so there they hold for good."""
    return {
        SESSION.kind: ChatRules(
            mode=Mode(settings.session_mode),
            slow_seconds=settings.session_slow_seconds,
            links=Links(settings.session_links),
            attachments=Attachments(settings.session_attachments),
        ),
        PROGRAM.kind: ChatRules(
            mode=Mode(settings.program_mode),
            slow_seconds=settings.program_slow_seconds,
            links=Links(settings.program_links),
            attachments=Attachments(settings.program_attachments),
        ),
        DIRECT.kind: ChatRules(
            links=Links(settings.direct_links), attachments=Attachments(settings.direct_attachments)
        ),
    }
