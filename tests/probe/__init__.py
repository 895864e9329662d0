"""Tests of the wing `probe`."""
