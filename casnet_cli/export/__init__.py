"""A trained run as a file that other programs run: the graph, the formats, and the proof that it predicts the same."""
