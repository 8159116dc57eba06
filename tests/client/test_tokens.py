"""What a token and the rooms show of the user."""

from __future__ import annotations

from ksmp_client import User
from ksmp_client.tokens import user_of_rooms


def test_the_rooms_show_who_the_user_is() -> None:
    token = "e30.eyJuYW1lIjoiQXNoYSJ9.x"
    assert user_of_rooms(["user:u1", "announce:student", "announce:all"], token) == User("u1", "Asha", "student")
    assert user_of_rooms(["announce:all", "user:u1", "announce:mentor"], "opaque") == User("u1", "u1", "mentor")
    assert user_of_rooms(["announce:all"], token) is None
