"""Tests of the integration, the simulators and the demo."""
