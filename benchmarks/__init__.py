"""What is claimed about speed, size and endurance, runnable: `python -m benchmarks` and `python -m benchmarks.soak`."""
