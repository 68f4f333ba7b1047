"""Labels that look wrong, by a network that never trained on them."""
