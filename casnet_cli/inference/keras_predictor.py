"""A Keras network as a predictor of images of any size, on any Keras back end."""

import keras

from casnet_cli.data.intensities import PLAIN, Intensities
from casnet_cli.inference.inference_model import InferenceModel
from casnet_cli.inference.outputs import MASK, Outputs
from casnet_cli.inference.predictor import InferenceSettings, NetworkPredictor


class KerasPredictor(NetworkPredictor):
    """A network of `build_casnet`, applied as `NetworkPredictor` says."""

    network: InferenceModel

    def __init__(
        self,
        trained: keras.Model,
        settings: InferenceSettings,
        outputs: Outputs = MASK,
        intensities: Intensities = PLAIN,
    ):
        network = InferenceModel(trained, settings.easy_below, settings.few, pools=settings.pools)
        super().__init__(network, settings, outputs, intensities)

    def refresh(self) -> None:
        """Take over the weights that the trained network has now."""
        self.network.refresh()
