"""Tests of the Plex side."""
