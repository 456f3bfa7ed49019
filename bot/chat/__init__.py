"""Everything that knows Discord. Rooms from the bottom up: views, rest, gateway, commands."""
