"""The slash commands and the buttons of their answers, one module a command group."""
