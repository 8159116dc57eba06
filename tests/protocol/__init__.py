"""Tests of gateway.protocol: bytes in, events out, no event loop."""
