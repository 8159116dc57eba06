"""Tests of the WebSocket endpoint, against a real gateway."""
