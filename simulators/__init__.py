"""Simulated Plex and Pulsarr servers for tests, demo and benchmarks."""
