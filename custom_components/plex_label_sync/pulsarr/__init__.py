"""The Pulsarr side: its API and the webhooks that it and the arr apps send."""
