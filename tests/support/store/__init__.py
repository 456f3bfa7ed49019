"""Sample rows and waits for tests of the database."""
