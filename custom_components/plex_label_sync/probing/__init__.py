"""Probes in Home Assistant: when they run, what they store, and how they are reported."""
