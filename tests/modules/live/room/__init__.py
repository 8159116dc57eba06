"""Tests of live: room."""
