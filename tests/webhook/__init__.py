"""Tests of the wing `webhook`."""
