"""Tests of the `ksmp` command."""
