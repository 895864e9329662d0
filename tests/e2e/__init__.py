"""Tests over HTTP against a real Home Assistant process and simulated servers."""
