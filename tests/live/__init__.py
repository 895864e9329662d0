"""Tests of the `live` package."""
