"""Requests to Discord besides answers: messages, permissions, and the limit on all requests."""
