"""The connection: the client, command registration, the component router and timely answers."""
