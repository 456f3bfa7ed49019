"""The test kit: stand-ins, builders of data, and worlds in which the bot runs."""
