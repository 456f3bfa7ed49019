"""The promise of the reminders over a long time: each stage is sent exactly once, whatever fails."""
