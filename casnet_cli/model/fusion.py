"""Eq. 8: the coarse and the fine probabilities, weighted per pixel by how likely the coarse class is right."""

import keras
from keras import ops

EASY = 1
"""Class of the attention branch's softmax: 1 = easy (coarse is right), 0 = difficult."""


@keras.saving.register_keras_serializable("casnet")
class Fusion(keras.layers.Layer):
    """p_refine = p_a · p_c + (1 − p_a) · p_f (eq. 8), in log space so that a loss of it is finite at p = 0.

    Inputs are log-probabilities: coarse and fine (B, H, W, K), and with attention also (B, H, W, 2), index 1 = easy.
    Without attention p_a is the constant `weight` (variant (b) of section 4.3). Returns log p_refine (B, H, W, K),
    whose exponential sums to 1.
    """

    def __init__(self, weight: float = 0.5, **kwargs: object):
        super().__init__(**kwargs)
        if not 0 < weight < 1:
            raise ValueError(f"the weight of the coarse branch lies between 0 and 1, received {weight}")
        self.weight = weight

    def call(self, inputs: list[keras.KerasTensor]) -> keras.KerasTensor:
        coarse, fine, *attention = inputs
        if attention:
            easy, hard = attention[0][..., EASY:], attention[0][..., :EASY]
        else:
            share = ops.cast(self.weight, coarse.dtype)
            easy, hard = ops.log(share), ops.log(1 - share)
        return log_add(easy + coarse, hard + fine)

    def compute_output_shape(self, input_shape: list[tuple[int | None, ...]]) -> tuple[int | None, ...]:
        return input_shape[0]

    def get_config(self) -> dict[str, object]:
        return {**super().get_config(), "weight": self.weight}


def log_add(a: keras.KerasTensor, b: keras.KerasTensor) -> keras.KerasTensor:
    """log(eᵃ + eᵇ). Unlike `ops.logaddexp` its gradient is the softmax of (a, b) also where a = b."""
    peak = ops.stop_gradient(ops.maximum(a, b))
    return peak + ops.log(ops.exp(a - peak) + ops.exp(b - peak))
