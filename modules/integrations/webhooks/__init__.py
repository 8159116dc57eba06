"""Webhooks: events of the platform, sent to the endpoints of services."""
