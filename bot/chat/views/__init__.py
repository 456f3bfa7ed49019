"""Embeds and components: pure functions of domain objects. Imports `core` only."""
