"""The schema of recipes: a section for each table of the TOML file.

Every field has its docstring below it; pydantic keeps it as the field's description. Where the paper names no value,
the default is our choice, and the docstring says so.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Fraction = Annotated[float, Field(ge=0, lt=1)]
Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]


class Section(BaseModel):
    """A table of the TOML file: unknown keys and other types than those below are faults."""

    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, allow_inf_nan=False, use_attribute_docstrings=True
    )


class DataSection(Section):
    """The prepared data set, and its validation images. The paper names none, yet its schedule needs some."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]*$")] = ""
    """File name in `data/` without `.h5`; empty: the most recently prepared one."""
    validation_fraction: Annotated[float, Field(gt=0, le=0.5)] = 0.1
    """Share of the training images that is held out for validation where no `val` images are stored; chosen by
    `training.seed`. Our choice: the paper names no validation set, and test images must not choose a checkpoint."""
    validation: Literal["stored", "train"] = "stored"
    """Images that choose the best checkpoint: the stored `val` images if there are any, or always a part of the
    training images, so that metrics on `val` are of images that played no part in the choice."""
    enlarge: Literal["auto"] | Annotated[float, Field(ge=1, le=4)] = 1.0
    """Factor by which all images are enlarged, for regions of few cells; prediction takes its square in time. `auto`:
    up to 2 where a class is rare and small. A run that begins multiplies `augmentation.scales` and `evaluation.scale`
    by it, and keeps those, with 1 here. The paper enlarges nothing."""


class AugmentationSection(Section):
    """Random scaling and translation of the training images (section 4.2): crops from multi-scale inputs."""

    crop: Annotated[int, Field(ge=17, le=4097)] = 233
    """Side of the square crop in pixels. 8n + 1 needs no padding at stride 8 (233 in the paper), 16n + 1 at 16."""
    scales: tuple[Positive, Positive] = (0.5, 2.0)
    """Smallest and largest factor by which an image is scaled, drawn uniformly for each. The paper names no range;
    this is PSPNet's."""
    mirror: bool = False
    """Mirror half of the crops left to right. The paper does not."""
    mirror_vertical: bool = False
    """Mirror half of the crops top to bottom: for pictures that have no upper side. The paper does not."""
    quarter_turns: bool = False
    """Turn the crops by 0, 90, 180 or 270 degrees: for pictures that have no upper side. The paper does not."""
    class_crops: Literal["auto"] | Annotated[float, Field(ge=0, le=1)] = 0.0
    """Share of the crops that hold a rare class: a picture that shows it, cut where it lies. `auto`: half where a class
    is rare in the training images. The paper does not."""
    color_jitter: Fraction = 0.0
    """Brightness, contrast and saturation are each multiplied by a factor drawn uniformly from 1 ± this; 0 turns it
    off. The paper does not."""


class ModelSection(Section):
    """The network of figure 2. Widths are ours (PSPNet's and FCN-head's usual sizes): the paper gives none."""

    backbone: Literal["resnet50", "resnet101", "efficientnet-lite0", "efficientnet-lite1", "efficientnet-lite2"] = (
        "resnet50"
    )
    """Feature extractor. `resnet50` is the paper's; `efficientnet-lite0` has about an eighth of its arithmetic."""
    output_stride: Literal[8, 16, 32] = 8
    """Image pixels between two cells of the feature map. 8 is the paper's; 16 and 32 are faster and coarser."""
    input_bands: Annotated[int, Field(ge=1, le=64)] = 3
    """Bands of the pictures; 3 are red, green and blue. `casnet train` takes the number from the data. For others the
    first convolution is inflated from the pre-trained one."""
    weights: str = "imagenet"
    """`imagenet`, `none`, or the path of a weight file in the layout of Keras's own downloads."""
    variant: Literal["coarse", "static", "attention", "fine"] = "attention"
    """Section 4.3: (a) coarse alone, (b) coarse + fine with weight 0.5, (c) attention; and the fine branch alone."""
    branch_channels: Annotated[int, Field(ge=8, le=8192)] = 512
    """Channels of the 3x3 convolution in each branch. The paper names no width; this is PSPNet's."""
    pyramid_bins: Annotated[tuple[Count, ...], Field(min_length=1)] = (1, 2, 3, 6)
    """Sides of the grids, in cells, to which the fine branch pools the features, each number once. PSPNet's."""
    dropout: Fraction = 0.1
    """Probability with which an activation before a branch's classifier is dropped in a training step. PSPNet's."""
    frozen_stages: Annotated[int, Field(ge=0, le=8)] = 0
    """Stages of the backbone that are not trained, counted from the image: 1 is the stem alone, 0 trains all."""


class OptimizerSection(Section):
    """SGD as in Caffe (section 4.2): momentum, and L2 decay added to the gradient, on kernels only (our choice)."""

    learning_rate: Positive = 1e-4
    """Learning rate of the backbone at the start, after the warm-up."""
    momentum: Fraction = 0.9
    """Share of each step's update that is added to the next one's."""
    weight_decay: Annotated[float, Field(ge=0)] = 1e-4
    """Factor of the L2 decay of the convolutions' kernels."""
    head_lr_multiplier: Positive = 1.0
    """Learning rate of the branches divided by that of the backbone. The paper names one rate for all."""
    clip_norm: Annotated[float, Field(ge=0)] = 0.0
    """Largest L2 norm of all gradients together; larger ones are scaled down to it. 0 turns it off."""


class ScheduleSection(Section):
    """How the learning rate falls. The paper: divided by 10 when validation accuracy stops improving, twice. Here that
    is the score that `evaluation.best` names."""

    kind: Literal["plateau", "polynomial", "cosine", "constant"] = "plateau"
    """plateau: the rate drops when the validation score stops improving; the others are functions of the step."""
    patience: Count = 5
    """plateau: validations without improvement before a drop. The paper names no number; our choice."""
    factor: Annotated[float, Field(gt=1)] = 10.0
    """plateau: number by which a drop divides the rate."""
    drops: Annotated[int, Field(ge=0)] = 2
    """plateau: after this many drops the next plateau ends the run."""
    power: Positive = 0.9
    """polynomial: rate · (1 − step / steps)^power."""
    warmup_steps: Annotated[int, Field(ge=0)] = 0
    """Steps at the start over which the rate rises linearly; polynomial and cosine count from their end."""
    early_stop: Annotated[int, Field(ge=0)] = 0
    """Validations without a new best score after which the run ends. 0 turns it off."""


class TrainingSection(Section):
    """Length, batch and arithmetic."""

    epochs: Count = 100
    """Passes over the training images; plateau and early stop may end a run before. The paper names no number."""
    batch_size: Annotated[int, Field(ge=1, le=4096)] = 4
    """Crops of one training step, on all devices together."""
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    """Decides initial weights, dropout, held-out images, and order and augmentation of the training images."""
    deterministic: bool = False
    """Only operations that give the same bits each time: on a CPU, equal runs end in equal bytes."""
    checkpoint_every_steps: Annotated[int, Field(ge=0)] = 500
    """Steps between two checkpoints, besides the one at each validation; 0 turns it off."""
    checkpoint_every_minutes: Annotated[float, Field(ge=0)] = 10.0
    """Minutes between two checkpoints; steps or minutes, whichever comes first; 0 turns it off."""
    precision: Literal["float32", "bfloat16", "float16", "float64"] = "float32"
    """Arithmetic of the convolutions; fusion and losses are float32 at least."""
    accumulation: Annotated[int, Field(ge=1)] = 1
    """Equal parts into which a batch is cut if it does not fit into memory; their gradients are added up."""
    xla: bool = False
    """Compile the training step by XLA. JAX always does."""
    class_weights: (
        Literal["none", "auto", "median_frequency", "effective_number"]
        | Annotated[tuple[Annotated[float, Field(ge=0, le=1e6)], ...], Field(min_length=2)]
    ) = "none"
    """Weight of each class in the losses of eqs. 3 and 9, in the order of the ids. By name and at most 10 each: `auto`,
    proportional to 1 / √share of the training pixels, and `effective_number`, to 1 / (1 − e^−share) (Cui et al. 2019),
    with 1 as the mean over pixels; `median_frequency`, median of f over f, the share of a class in the training images
    that show it (Eigen and Fergus 2015)."""
    loss: Literal["auto", "cross_entropy", "dice", "lovasz", "focal"] = "cross_entropy"
    """Loss of the classes in eqs. 3 and 9: cross entropy as in the paper, or with a part added that counts a class of
    few pixels like a common one (`dice`, `lovasz`), or hard pixels more (`focal`). `auto`: `dice` where a class is rare
    in the training images. The attention branch's eq. 6 stays."""
    fine_loss: Annotated[float, Field(ge=0, le=100)] = 0.0
    """Weight of an additional loss of the fine branch's own outputs, which the paper does not have: its eq. 9 trains
    the branch only where 1 − p_a is large."""
    loggers: tuple[Literal["wandb", "mlflow"], ...] = ()
    """Where each epoch's figures are sent, beside TensorBoard's events in the run folder: `wandb` (Weights & Biases),
    `mlflow`. Address, project and offline mode are set by their own environment variables."""


class EvaluationSection(Section):
    """Validation during training, and the scale at which whole images are evaluated and predicted."""

    best: Annotated[str, Field(pattern=r"^(pixel_accuracy|mean_iou|class:.+)$")] = "pixel_accuracy"
    """Metric of the validation images by which the best checkpoint, early stop and plateau go: `pixel_accuracy` as in
    the paper, `mean_iou`, where every class counts alike, or `class:NAME`, the IoU of one class."""
    scale: Annotated[float, Field(ge=0.25, le=4)] = 1.0
    """Factor by which images are enlarged before the network: finer outputs, for its square in time. The paper: 1."""
    every_epochs: Count = 1
    """Epochs from one validation to the next; the last epoch always has one."""
    samples: Annotated[int, Field(ge=0, le=16)] = 4
    """Validation images drawn with their outputs at each validation, into the run's `samples/`."""


class Recipe(Section):
    """Everything that decides a training: one section for each table of the TOML file."""

    data: DataSection = DataSection()
    augmentation: AugmentationSection = AugmentationSection()
    model: ModelSection = ModelSection()
    optimizer: OptimizerSection = OptimizerSection()
    schedule: ScheduleSection = ScheduleSection()
    training: TrainingSection = TrainingSection()
    evaluation: EvaluationSection = EvaluationSection()
