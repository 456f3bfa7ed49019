"""Asks useapi.net's MiniMax API; never imports discord."""
