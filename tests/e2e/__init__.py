"""Tests against a real Home Assistant process beside simulated servers, all over HTTP."""
