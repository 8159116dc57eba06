"""Moderation of a session: kicks, bans and promotions."""
