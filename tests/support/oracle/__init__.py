"""An oracle: the reminder rules written down once more, apart from the bot, and worlds that the bot is judged in."""
