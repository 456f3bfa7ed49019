"""What decides, without input, output or clock."""
