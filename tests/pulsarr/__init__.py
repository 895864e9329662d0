"""Tests of the Pulsarr side."""
