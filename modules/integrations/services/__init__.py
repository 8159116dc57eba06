"""Services and their API keys."""
