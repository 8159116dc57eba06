"""Tests of gateway.embedded: real servers, really killed."""
