"""Devices: the installations of the app that a user is signed in on, and where each is reached."""
