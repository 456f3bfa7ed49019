"""Our bot, started with something added or taken away."""
