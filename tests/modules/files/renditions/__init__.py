"""Tests of pictures of images."""
