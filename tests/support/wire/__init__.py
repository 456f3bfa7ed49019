"""A stand-in that speaks Discord's protocol, for bots in a process of their own."""
