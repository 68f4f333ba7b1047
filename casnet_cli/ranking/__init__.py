"""Which images to label next: what a network says of each, and orders by it."""
