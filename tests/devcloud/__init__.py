"""Tests of the stand-in for AWS, through the SDK that the gateway uses."""
