"""Does the reminding: passes, what they plan, and its delivery; never discord."""
