"""The reminders' promise over a long time: whatever goes wrong, each step is told exactly once."""
