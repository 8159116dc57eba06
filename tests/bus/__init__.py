"""Tests of gateway/bus."""
