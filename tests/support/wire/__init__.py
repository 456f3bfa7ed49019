"""A stand-in that speaks Discord's protocol, and the processes and loops in which the bot talks to it."""
