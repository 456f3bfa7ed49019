"""Health, metrics and heartbeat of the running bot, for its operator."""
