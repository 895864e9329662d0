"""Tests of the wing `live`."""
