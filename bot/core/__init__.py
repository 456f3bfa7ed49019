"""The domain and every rule over it. Pure: no I/O, no clock, no Discord, no SQL."""
