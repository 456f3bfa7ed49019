"""The client of useapi.net's MiniMax API, and its cache; never imports discord."""
