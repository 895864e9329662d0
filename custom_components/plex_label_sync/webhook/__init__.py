"""Our webhook: where it is registered, what arrives there, and whether it still arrives."""
