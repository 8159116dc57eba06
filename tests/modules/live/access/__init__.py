"""Tests of live: access."""
