"""The reminder engine with channels in memory, for the state machine."""
