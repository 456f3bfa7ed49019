"""The reminder engine with channels in memory, and a process that can die at each of its steps."""
