"""Tests of live: sessions."""
