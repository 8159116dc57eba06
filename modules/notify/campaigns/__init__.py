"""Campaigns: messages that admins send to an audience; previewed, tried without sending, followed and stopped."""
