"""What several test files share: data made on the spot, the command line, small networks."""
