"""A Plex server and a Pulsarr server that behave like the real ones, for tests, demo and benchmarks."""
