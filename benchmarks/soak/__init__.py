"""A long test of the reminders: each notification is sent exactly once, whatever fails."""
