"""What would spoil the labels: another writer, a library that is gone, two people with one label."""
