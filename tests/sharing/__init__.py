"""Tests of the rules that say who may see what."""
