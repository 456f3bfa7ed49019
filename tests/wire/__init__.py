"""Tests of the bot on Discord's protocol in virtual time: deadlines and limits, whatever the speed of the machine."""
