"""The connection to Discord, the registration of commands, the component router, and answers in time."""
