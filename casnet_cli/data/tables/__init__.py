"""Tables that hold pictures: Hugging Face's data sets, unpacked like archives."""
