"""Polls the accounts, plans notifications, dispatches messages once each and keeps them current; without discord."""
