"""Helpers of the tests in the simulated Discord."""
