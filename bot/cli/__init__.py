"""The command line: the parser, and one module for each command with its arguments and its work.

Only this package reads the environment and the clock. Its modules import heavy packages inside functions, which keeps
`--help` and `healthcheck` quick.
"""
