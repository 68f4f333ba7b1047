"""Labels that look wrong to a network that has not seen them."""
