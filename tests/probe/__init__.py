"""Tests of the `probe` package."""
