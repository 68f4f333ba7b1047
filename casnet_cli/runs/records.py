"""The JSON files that are a public contract, as models: a docstring under each key describes it."""

from casnet_cli.runs.engine_record import EngineRecord
from casnet_cli.runs.export_record import ExportRecord
from casnet_cli.runs.json_record import Record, Text
from casnet_cli.runs.manifest_record import ManifestLine
from casnet_cli.runs.measurement_record import Interval, MeasurementRecord


class Continuation(Record):
    """One call of `casnet train --resume` that went on with the run, or of `--finish` that closed it."""

    after_step: int
    """Steps that were done before it."""
    changes: list[str]
    """Changes of the recipe, as `section.key: old → new`."""
    casnet: str | None = None
    """Version of casnet."""
    python: str | None = None
    """Version of Python."""
    packages: dict[str, str | None] = {}
    """Versions of the packages that decide a result; null: not installed."""
    host: Text | None = None
    """Name of the computer."""
    machine: str | None = None
    """Its architecture and number of cores."""
    command: list[Text] = []
    """The command line."""
    back_end: str | None = None
    """Keras's back end."""


class RunRecord(Record):
    """run.json: by what, where and from what a run was begun, and each call that went on with it."""

    casnet: str | None = None
    """Version of casnet."""
    python: str | None = None
    """Version of Python."""
    packages: dict[str, str | None] = {}
    """Versions of the packages that decide a result; null: not installed."""
    host: Text | None = None
    """Name of the computer."""
    machine: str | None = None
    """Its architecture and number of cores."""
    command: list[Text] = []
    """The command line."""
    recipe: Text | None = None
    """Name of the recipe that the run was begun with; in a series that of the series; null: not known."""
    seed: int | None = None
    """`training.seed` of the recipe."""
    data: Text
    """Path of the prepared data set."""
    data_sha256: str | None = None
    """Digest of the data set's content."""
    fold: int | None = None
    """Fold of the cross-validation that the run is trained on; null: the data have no folds."""
    init: Text | None = None
    """Checkpoint whose weights the run began with (`--init`); null: none."""
    back_end: str | None = None
    """Keras's back end."""
    continued: list[Continuation] = []
    """The calls that went on with the run, the first one first."""
    logged: dict[str, str] = {}
    """Identity of the run at each logger of `training.loggers`; the key is missing where there was none."""


class RunMetrics(Record):
    """Metrics of one run of a series on its test images; fractions."""

    pixel_accuracy: float | None
    """Right pixels over labelled ones."""
    class_accuracy: float | None
    """Mean over classes of right pixels over pixels of the class."""
    mean_iou: float | None
    """Mean over classes of intersection over union."""
    frequency_weighted_iou: float | None
    """Intersection over union, weighted by the classes' shares of the labels."""
    images: int
    """Images measured."""
    labelled_pixels: int
    """Their pixels that are not void."""


class GroupMetrics(Record):
    """Metrics of a group of runs; fractions."""

    runs: int
    """Runs of the group that are measured."""
    mean: dict[str, float | None]
    """Mean of each metric over the runs; null where a run has no labelled pixel."""
    spread: dict[str, float | None]
    """Standard deviation of each metric (n − 1); null for a single run."""


class MetricDifference(Record):
    """Difference of one metric."""

    value: float | None
    """First minus second, a fraction."""
    ci95: Interval | None
    """Lower and upper end of its 95 % interval, from a paired bootstrap over images."""


class PairedDifference(Record):
    """Difference between two groups of runs, over the seeds or folds that both have."""

    of: str
    """The first group, or `c's coarse` for the coarse branch of group c."""
    minus: str
    """The second one."""
    runs: int
    """Pairs of runs."""
    pixel_accuracy: MetricDifference
    """Of pixel accuracy."""
    class_accuracy: MetricDifference
    """Of class accuracy."""
    mean_iou: MetricDifference
    """Of mean IoU."""
    frequency_weighted_iou: MetricDifference
    """Of frequency weighted IoU."""


class SeriesMetrics(Record):
    """Metrics of the runs of a series, measured in one way."""

    runs: dict[str, RunMetrics]
    """Each run that is measured, by the name of its folder."""
    groups: dict[str, GroupMetrics]
    """Each group of runs: the folds, or the seeds of a variant."""
    differences: list[PairedDifference]
    """Paired differences between groups; of `casnet ablate` alone."""


class SeriesOptions(Record):
    """Options of the command that `--resume` need not name again; a key is missing for one that was not given."""

    init: Text | None = None
    """Checkpoint or run whose weights every run begins with (`--init`)."""
    seeds: list[int] = []
    """Seeds of `casnet ablate`."""
    fold: int | None = None
    """Fold of `casnet ablate`; null: the data have no folds."""


class SeriesSummary(Record):
    """summary.json of `casnet crossval` and `casnet ablate`."""

    kind: str
    """The command: `crossval` or `ablate`."""
    recipe: str
    """Name of the recipe."""
    data: Text
    """Path of the prepared data set."""
    data_name: str
    """Name of the data set."""
    data_sha256: str
    """Digest of its content."""
    options: SeriesOptions
    """Options of the command that `--resume` need not name again."""
    figures: dict[str, SeriesMetrics]
    """Metrics by `--tta`: `none`, `flip` or `multiscale`."""


RECORDS: dict[str, type[Record]] = {
    "run.json": RunRecord,
    "metrics.json": MeasurementRecord,
    "summary.json": SeriesSummary,
    "manifest.jsonl": ManifestLine,
    "export.json": ExportRecord,
    "engine.json": EngineRecord,
}
"""Every file of this kind, with the model of its content (of manifest.jsonl, of a line)."""
