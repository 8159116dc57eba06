"""Tests of live: recordings."""
