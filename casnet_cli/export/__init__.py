"""A trained run as a file that other programs run: the graph, its formats, and the proof that it answers the same."""
