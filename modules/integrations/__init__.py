"""What other programs do with the platform: service keys, the server API and webhooks."""
