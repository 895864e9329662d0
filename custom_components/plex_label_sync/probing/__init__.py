"""Probes in Home Assistant: when they run, what they keep, and how they are told."""
