"""Tests of gateway.auth: keys, tokens, the development issuer, and Cognito as moto plays it."""
