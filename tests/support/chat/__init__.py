"""What tests in the simulated Discord share."""
