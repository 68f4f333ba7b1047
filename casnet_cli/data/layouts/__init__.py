"""Recognizes what a folder of one's own data is, and finds the pairs of pictures and labels in it."""
