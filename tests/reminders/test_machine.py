"""The reminders under everything at once: accounts, subscriptions, channels, the API and the process change.

Longer by hand: `python -m pytest tests/reminders --hypothesis-profile=long`.
Where CI is set, Hypothesis draws the same examples each time.
"""

from hypothesis import settings

from tests.support.engine.reminders import Reminders

TestReminders = Reminders.TestCase
# A tenth of the examples that other tests take: each of these is a story.
TestReminders.settings = settings(deadline=None, max_examples=settings().max_examples // 10, stateful_step_count=40)
