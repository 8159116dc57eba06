"""Tests of devstack: real servers, really killed."""
