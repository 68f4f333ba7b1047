"""casnet: semantic segmentation with CasNet, the cascade coarse-to-fine network, on Keras 3."""

__version__ = "0.1.0"
