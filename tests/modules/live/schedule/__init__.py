"""Tests of live: schedule."""
