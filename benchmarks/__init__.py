"""Measures speed, memory and endurance: `python -m benchmarks` and `python -m benchmarks.soak`."""
