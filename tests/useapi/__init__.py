"""Tests of the API client and the account directory, against real HTTP servers on this machine."""
