"""The voter as a vote's row names them.

In an anonymous poll it is a keyed hash of the user's id. The key is a secret of that poll. Closing the poll deletes the
secret and the votes, so after that nobody can tell from the tables who chose what.
"""

from __future__ import annotations

import hashlib

from modules.live.room.polls.repository import PollRow, VotablePoll


def stored_voter(poll: PollRow | VotablePoll, user: str) -> str:
    """The user's id, or its hash in an anonymous poll; raises ValueError for an anonymous poll that is closed."""
    if not poll.anonymous:
        return user
    if poll.secret is None:
        raise ValueError(f"the secret of poll {poll.id} is gone; nobody votes in it any more")
    return hashlib.blake2b(user.encode(), key=poll.secret, digest_size=16).hexdigest()
