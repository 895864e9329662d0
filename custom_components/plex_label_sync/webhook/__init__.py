"""The webhook: its registration, the events it receives, and checks that they still arrive."""
