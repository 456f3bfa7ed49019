"""What asks useapi.net, against real local HTTP servers."""
