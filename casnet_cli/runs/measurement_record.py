"""metrics.json as a model: whose metrics they are (`EvaluationIdentity`), and the metrics (`MetricsRecord`)."""

from typing import Annotated

from pydantic import AfterValidator, ConfigDict, Field

from casnet_cli.runs.json_record import Record, Text

Interval = Annotated[list[float], Field(min_length=2, max_length=2)]
"""Lower and upper end."""


class EvaluationIdentity(Record):
    """What an evaluation is of: data, images, settings of inference, and checkpoint."""

    data: str
    """Name of the data set."""
    data_sha256: str
    """Digest of its content."""
    split: str
    """Images measured: `train`, `val` or `test`."""
    fold: int | None = None
    """Fold of the cross-validation; null: the data have no folds."""
    tta: str
    """Views whose probabilities are averaged: `none`, `flip` or `multiscale`."""
    scale: float
    """Factor by which images are enlarged for the network."""
    tile: int | None = None
    """Side of the tiles in image pixels; null: whole images."""
    limit: int | None = None
    """So many images alone, spread evenly over them; null: all."""
    listed_sha256: str | None = None
    """Digest of the names of a list of images that alone were measured; null: those of the split."""
    checkpoint: Text
    """Name of the checkpoint's file."""
    checkpoint_sha256: str
    """Digest of that file."""
    step: int
    """Training steps that the checkpoint has done."""


class BranchMetrics(Record):
    """Metrics of the classes of one output; fractions, null where no pixel is labelled."""

    pixel_accuracy: float | None
    """Right pixels over labelled ones."""
    class_accuracy: float | None
    """Mean over classes of right pixels over pixels of the class (Long et al. 2015)."""
    mean_iou: float | None
    """Mean over classes of intersection over union."""
    frequency_weighted_iou: float | None
    """Intersection over union, weighted by the classes' shares of the labels."""


class ClassMetrics(Record):
    """Metrics of one class; fractions."""

    name: str
    """The class."""
    accuracy: float | None
    """Right pixels over pixels of the class (recall); null: it does not occur."""
    iou: float | None
    """Intersection over union; null: it does not occur."""
    pixels: int
    """Labelled pixels of the class."""


class ClassRefinement(Record):
    """Pixels of one true class, the final output against the coarse one."""

    name: str
    """The class."""
    fixed: int
    """Pixels that only the final output has right."""
    broken: int
    """Pixels that only the coarse output has right."""
    unchanged: int
    """All other labelled pixels."""


class RefinementMetrics(Record):
    """Labelled pixels, the final output against the coarse one."""

    fixed: int
    """Pixels that only the final output has right."""
    broken: int
    """Pixels that only the coarse output has right."""
    unchanged: int
    """All other labelled pixels."""
    per_class: list[ClassRefinement]
    """The same by true class, in the order of their ids."""


class DetectionMetrics(Record):
    """How well a score ranks wrong pixels above right ones; null without one of each."""

    auroc: float | None
    """Area under the ROC curve: chance that a wrong pixel has a higher score than a right one, ties half."""
    average_precision: float | None
    """Area under precision and recall; a score that knows nothing has the base rate."""


class ErrorMetrics(Record):
    """How well scores detect the wrong pixels of one output; null: the variant has no such score."""

    base_rate: float | None
    """Share of wrong pixels."""
    one_minus_p_a: DetectionMetrics | None
    """Score 1 − p_a of the attention branch."""
    entropy: DetectionMetrics | None
    """Entropy of the probabilities over log K."""
    max_softmax: DetectionMetrics | None
    """1 − the largest probability."""
    margin: DetectionMetrics | None
    """1 − the lead of the largest probability on the second."""


class DifficultyMetrics(Record):
    """Error detection by target; null: the variant has no such output."""

    coarse_errors: ErrorMetrics | None
    """Errors of the coarse output."""
    final_errors: ErrorMetrics | None
    """Errors of the final output."""


class CalibrationMetrics(Record):
    """Whether confidence equals accuracy."""

    ece: float | None
    """Expected calibration error in 15 bins (Guo et al. 2017)."""
    ece_calibrated: float | None
    """The same with probabilities at `temperature`."""
    temperature: float | None
    """Fitted on validation images at the end of training; null: none."""


class BoundaryMetrics(Record):
    """Metrics near borders between classes, means over the classes that have one in the truth."""

    iou: float | None
    """Boundary IoU (Cheng et al. 2021)."""
    f1: float | None
    """Boundary F1 (Csurka et al. 2013)."""
    width_px: int
    """Distance in pixels (chessboard) up to which borders count as met, and half the width of a band."""
    pixels: int
    """Pixels of the truth's band."""


class CoverageMetrics(Record):
    """Errors when only the surest pixels are kept."""

    aurc: float | None
    """Area under risk and coverage (Geifman and El-Yaniv 2017)."""
    coverage_at_95_accuracy: float | None
    """Largest share of pixels of which 95 % are right."""


class SelectiveMetrics(CoverageMetrics):
    """Errors when only the pixels of the largest probability are kept."""

    by_difficulty: CoverageMetrics
    """The same with the pixels of the least difficulty."""


class StratumMetrics(Record):
    """Accuracy in one bin: from its lower bound up to the next row's."""

    model_config = ConfigDict(populate_by_name=True)

    lower: int | float = Field(alias="from")
    """Lower bound of the bin; the bound itself belongs to it."""
    pixels: int
    """Labelled pixels in the bin."""
    accuracy: float | None
    """Share of them that is right; null: there are none."""


class StrataMetrics(Record):
    """Accuracy of parts of the pixels. Each list covers all labelled pixels, and none twice."""

    boundary_distance_px: list[StratumMetrics]
    """By chessboard distance in pixels to the next pixel of another class."""
    region_share_of_image: list[StratumMetrics]
    """By size of the connected region of one class, as a share of the image."""
    difficulty_decile: list[StratumMetrics]
    """By difficulty: tenths of the pixels from the easiest to the hardest."""


def _with_all(branches: dict[str, BranchMetrics | None]) -> dict[str, BranchMetrics | None]:
    if missing := [name for name in ("coarse", "fine", "fused") if name not in branches]:
        raise ValueError(f"should have the key {missing[0]}")
    return branches


class MetricsRecord(BranchMetrics):
    """The metrics of an evaluation. Fractions, null where there is nothing to measure."""

    pixel_accuracy_ci95: Interval | None = None
    """95 % interval over images of pixel accuracy: 2.5th and 97.5th percentile of 1000 draws with replacement."""
    class_accuracy_ci95: Interval | None = None
    """Likewise of class accuracy."""
    mean_iou_ci95: Interval | None = None
    """Likewise of mean IoU."""
    frequency_weighted_iou_ci95: Interval | None = None
    """Likewise of frequency weighted IoU."""
    per_class: list[ClassMetrics] = []
    """Metrics of each class, in the order of their ids."""
    absent_classes: list[str] = []
    """Classes without a labelled pixel in these images; means leave them out."""
    images: int
    """Images measured."""
    labelled_pixels: int = 0
    """Pixels that are not void."""
    void_pixels: int = 0
    """Pixels that are void; they count nowhere."""
    branches: Annotated[dict[str, BranchMetrics | None], AfterValidator(_with_all)]
    """Metrics of the `coarse`, the `fine` and the `fused` output; null: the variant has no such branch."""
    refine: RefinementMetrics | None = None
    """Pixels that fusion corrects or spoils; null: the variant has a single branch."""
    difficulty: DifficultyMetrics | None = None
    """How well scores of each pixel detect errors."""
    calibration: CalibrationMetrics | None = None
    """Whether confidence equals accuracy."""
    boundary: BoundaryMetrics | None = None
    """Metrics near borders between classes."""
    selective: SelectiveMetrics | None = None
    """Errors when only the surest pixels are kept."""
    accuracy_by: StrataMetrics | None = None
    """Accuracy by distance to a border, by size of the region, and by tenths of difficulty."""
    seconds: float | None = None
    """Time of prediction and counting, without the report."""
    images_per_second: float | None = None
    """Images over `seconds`."""


class MeasurementRecord(MetricsRecord, EvaluationIdentity):
    """metrics.json of `casnet eval`. Metrics are fractions, null where there is nothing to measure."""

    engine: str | None = None
    """What predicted: `keras` or `onnx`; missing in older files."""
