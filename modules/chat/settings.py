"""The settings of chat, `KSMP_CHAT_*`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gateway.settings import setting

REACTIONS = ("👍", "❤️", "😂", "🎉", "😮", "👏", "🙏", "🔥", "❓", "✅")


@dataclass(frozen=True, kw_only=True)
class ChatSettings:
    text_characters: int = setting(2000, doc="Longest chat message, in characters")
    rate_count: int = setting(20, doc="Messages a user may send to a room at once")
    rate_seconds: float = setting(10.0, doc="Time in which as many messages may be sent again")
    change_rate_count: int = setting(20, doc="Edits, and as many deletions, by a user in a room at once")
    change_rate_seconds: float = setting(10.0, doc="Time in which as many may be made again")
    react_rate_count: int = setting(30, doc="Reactions by a user in a room at once")
    react_rate_seconds: float = setting(10.0, doc="Time in which as many may be given again")
    report_rate_count: int = setting(5, doc="Reports by a user in a room at once")
    report_rate_seconds: float = setting(60.0, doc="Time in which as many may be made again")
    host_rate_count: int = setting(30, doc="Uses of each command of hosts by a user in a room at once")
    host_rate_seconds: float = setting(10.0, doc="Time in which as many may be made again")
    read_rate_count: int = setting(60, doc="Uses of `chat.read`, and of `chat.unread`, by a user in a room at once")
    read_rate_seconds: float = setting(10.0, doc="Time in which as many may be used again")
    unread_most: int = setting(99, doc="Unread messages of a room that are counted; of more it is said that there are")
    unread_rooms: int = setting(200, doc="Rooms in a summary of what is unread")
    unread_interval: float = setting(
        2.0, doc="Seconds between two times at which the readers of programs' rooms are told what is unread"
    )
    search_rate_count: int = setting(20, doc="Searches of messages by a user at once")
    search_rate_seconds: float = setting(10.0, doc="Time in which as many may be made again")
    notice_delay: float = setting(
        30.0, doc="How long a notification of a message waits, in which whoever reads the message is spared it"
    )
    notice_digest: float = setting(3600.0, doc="Time in which notifications of messages by e-mail become one")
    edit_seconds: float = setting(600.0, doc="How long after it was sent a message may be edited")
    edits: int = setting(20, doc="Most edits of one message")
    mentions: int = setting(10, doc="Users one message may mention")
    slow_most: int = setting(600, doc="Longest wait, in seconds, that slow mode may ask for")
    pins: int = setting(5, doc="Messages that may be pinned in a room at once")
    reports: int = setting(20, doc="Messages of one room that one user may report")
    snapshot_rate_count: int = setting(20, doc="Snapshots that a user may take of a room at once, by `chat.snapshot`")
    snapshot_rate_seconds: float = setting(20.0, doc="Time in which as many may be taken again")
    reactions: tuple[str, ...] = setting(REACTIONS, doc="Emojis that messages may be given")
    reactions_interval: float = setting(0.5, doc="Least time between two pushes of a room's reactions")
    recent: int = setting(50, doc="Newest messages in a snapshot")
    fresh: float = setting(1.0, doc="How long a gateway uses a room's settings before it asks the database again")
    enrolled_fresh: float = setting(15.0, doc="The same for whether a user is enrolled, in the mode `subscribers`")
    attachments: int = setting(10, doc="Files that one message may have")
    attachment_bytes: int = setting(25 * 1024**2, doc="Size of a file of a message, in bytes")
    attachment_doubt: float = setting(
        180.0, doc="How long after it was to be sent a message is looked for whose storing was not seen; 130 at least"
    )
    session_mode: Literal["open", "subscribers", "questions"] = setting(
        "open", doc="What viewers of a class may write until a host changes it"
    )
    session_slow_seconds: int = setting(0, zero=True, doc="Slow mode of a class until a host changes it")
    session_links: Literal["allow", "hosts", "block"] = setting(
        "allow", doc="Who may post links in a class until a host changes it"
    )
    session_attachments: Literal["allow", "hosts", "block"] = setting(
        "allow", doc="Who may post files in a class until a host changes it"
    )
    program_mode: Literal["open", "subscribers", "questions"] = setting(
        "open", doc="What students may write in a program's room until a mentor changes it"
    )
    program_slow_seconds: int = setting(0, zero=True, doc="Slow mode of a program's room until a mentor changes it")
    program_links: Literal["allow", "hosts", "block"] = setting(
        "allow", doc="Who may post links in a program's room until a mentor changes it"
    )
    program_attachments: Literal["allow", "hosts", "block"] = setting(
        "allow", doc="Who may post files in a program's room until a mentor changes it"
    )
    direct_links: Literal["allow", "block"] = setting("allow", doc="Whether links may be posted in conversations")
    direct_attachments: Literal["allow", "block"] = setting("allow", doc="Whether files may be posted in conversations")
    direct_student_mentor: bool = setting(
        True, doc="Whether students and the mentors of their programs may write to each other outside of a class"
    )
    direct_mentors: bool = setting(True, doc="Whether mentors may write to each other, and to admins")
    direct_students: bool = setting(False, doc="Whether students with places in one program may write to each other")
    direct_members: int = setting(20, doc="Most members of a group")
    direct_title_characters: int = setting(100, doc="Longest title of a group, in characters")
    direct_opened_daily: int = setting(50, doc="Conversations that a user who is no admin may open within 24 hours")
    direct_blocks: int = setting(1000, doc="Users that one user may have blocked")
    filters: tuple[str, ...] = setting(
        ("modules.chat.filter:WordList",), doc="Filters that a text passes, in order, as `package.module:Class`"
    )
    words: tuple[str, ...] = setting((), doc="Words of the word list besides those of its file")
    words_file: str = setting("", doc="File of the word list, one word a line; empty means the built-in one")
    words_action: Literal["mask", "refuse"] = setting(
        "mask", doc="What the word list does with a text that has such a word"
    )
