"""The test kit: stand-ins, builders, and what tests of several rooms share."""
