"""metrics.json as a model."""

from casnet_cli.runs.json_record import Record, Text


class ClassMetrics(Record):
    """Metrics of one class; fractions."""

    name: str
    """The class."""
    accuracy: float | None
    """Right pixels over pixels of the class; null: it does not occur."""
    iou: float | None
    """Intersection over union."""
    pixels: int
    """Labelled pixels of the class."""


class BranchMetrics(Record):
    """Metrics of one branch's classes; fractions, null where no pixel is labelled."""

    pixel_accuracy: float | None
    """Right pixels over labelled ones."""
    class_accuracy: float | None
    """Mean over classes of right pixels over pixels of the class."""
    mean_iou: float | None
    """Mean over classes of intersection over union."""
    frequency_weighted_iou: float | None
    """Intersection over union, weighted by the classes' shares of the labels."""


class MeasurementRecord(Record):
    """metrics.json of `casnet eval`. Metrics are fractions, null where there is nothing to measure."""

    data: str
    """Name of the data set."""
    data_sha256: str
    """Digest of its content."""
    split: str
    """Images measured: `train`, `val` or `test`."""
    fold: int | None
    """Fold of the cross-validation; null: the data have no folds."""
    tta: str
    """Views whose probabilities are averaged: `none`, `flip` or `multiscale`."""
    scale: float
    """Factor by which the network sees images enlarged."""
    tile: int | None = None
    """Side of the tiles in image pixels; null: whole images."""
    checkpoint: Text
    """Name of the checkpoint's file."""
    checkpoint_sha256: str
    """Digest of that file."""
    step: int
    """Training steps that the checkpoint has done."""
    pixel_accuracy: float | None
    """Right pixels over labelled ones."""
    class_accuracy: float | None
    """Mean over classes of right pixels over pixels of the class (Long et al. 2015)."""
    mean_iou: float | None
    """Mean over classes of intersection over union."""
    frequency_weighted_iou: float | None
    """Intersection over union, weighted by the classes' shares of the labels."""
    pixel_accuracy_ci95: list[float] | None = None
    """95 % interval over images of pixel accuracy: 2.5th and 97.5th percentile of 1000 draws with replacement."""
    class_accuracy_ci95: list[float] | None = None
    """Likewise of class accuracy."""
    mean_iou_ci95: list[float] | None = None
    """Likewise of mean IoU."""
    frequency_weighted_iou_ci95: list[float] | None = None
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
    branches: dict[str, BranchMetrics | None]
    """Metrics of the `coarse`, the `fine` and the `fused` output; null: the variant has no such branch."""
    refine: dict[str, object] | None = None
    """Pixels that fusion mends (`fixed`), spoils (`broken`) or leaves (`unchanged`) against the coarse output."""
    difficulty: dict[str, object] | None = None
    """How well scores of each pixel detect errors: area under the ROC curve and average precision."""
    calibration: dict[str, object] | None = None
    """Expected calibration error, plain and with `temperature`."""
    boundary: dict[str, object] | None = None
    """Metrics of pixels near a border between classes."""
    selective: dict[str, object] | None = None
    """Errors when only the surest pixels are kept."""
    accuracy_by: dict[str, object] | None = None
    """Accuracy by distance to a border, by size of the region, and by tenths of difficulty."""
    seconds: float | None = None
    """Time of prediction and counting, without the report."""
    images_per_second: float | None = None
    """Images over `seconds`."""
