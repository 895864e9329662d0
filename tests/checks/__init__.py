"""Tests of the wing `checks`."""
