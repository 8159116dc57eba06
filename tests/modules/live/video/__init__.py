"""Tests of live: video."""
