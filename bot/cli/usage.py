"""What `--help` ends with: the settings and the exit statuses."""

EPILOG = """\
settings, from the environment or a .env file in the current folder:
  DISCORD_TOKEN           the bot's token from the Discord developer portal (required; for run, check alone)
  USEAPI_TOKEN            the API token from useapi.net (required; also for account, accounts)
  GUILD_IDS               ids of the servers that may use the bot, with commas (required; for run, check alone)
  USEAPI_BASE_URL         where the API is (default: https://api.useapi.net)
  CHECK_INTERVAL_SECONDS  seconds between two looks at all accounts (default: 1800)
  REMINDER_DAYS           days before the expiry on which to remind (default: 14,7,3,1)
  DATABASE_URL            where reminders are kept (default: sqlite+aiosqlite:///data/bot.db)
  HEALTH_PORT             where /healthz and /metrics are told over HTTP; without it nowhere (default: none)
  HEALTH_HOST             the address to listen on for that (default: 127.0.0.1)
  HEARTBEAT_URL           pinged after each pass that could read the accounts (default: none)
  LOG_LEVEL               DEBUG, INFO, WARNING or ERROR (default: INFO)
  LOG_FORMAT              text or json (default: text)

exit status:
  run, demo                    0 stopped, 1 crashed or database away, 2 settings, a token or this version refused
  check                        0 all in place, 1 something is not
  account, accounts            0 healthy, 1 needs attention, 2 not readable
  backup, restore, migrate-to  0 done, 2 not done
  healthcheck                  0 the running bot is well, 1 it is not
"""
