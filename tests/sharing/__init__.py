"""Tests of the sharing rules."""
