"""A whiteboard in live sessions."""
