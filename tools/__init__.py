"""Tools of the developers; nothing in `bot` imports them."""
