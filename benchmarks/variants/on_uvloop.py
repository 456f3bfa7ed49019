"""Our bot on uvloop's event loop."""

import asyncio
import sys

import uvloop

from bot.cli.main import main

asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
sys.exit(main([]))
