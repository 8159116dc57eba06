"""Tests of gateway.realtime."""
