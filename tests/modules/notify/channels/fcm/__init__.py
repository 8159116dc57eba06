"""Tests of push, against the stand-in for FCM."""
