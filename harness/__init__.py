"""Drives a real Home Assistant process over HTTP, for the demo and the end-to-end tests."""
