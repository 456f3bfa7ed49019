"""Tests of the commands that answer on a terminal."""
