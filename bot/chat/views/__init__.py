"""Embeds and components: pure functions of domain objects. They import `core` and the errors only."""
