"""Which images to label next: scores of each, and orders by them."""
