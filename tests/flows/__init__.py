"""Tests of the wing `flows`."""
