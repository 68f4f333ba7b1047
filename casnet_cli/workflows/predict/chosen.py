"""Chosen pictures with their predictions, for correction in a labelling tool."""

from pathlib import Path
from typing import TYPE_CHECKING

from casnet_cli import console
from casnet_cli.prediction.inputs import Job
from casnet_cli.util.text import count
from casnet_cli.workflows.predict import engines, session
from casnet_cli.workflows.predict.options import PredictOptions
from casnet_cli.workflows.predict.together import write_together

if TYPE_CHECKING:
    from casnet_cli.prediction.manifest import Manifest
    from casnet_cli.prediction.outputs import Outputs


def save_chosen(checkpoint: Path, jobs: list[Job], options: PredictOptions) -> int:
    """Label the jobs into `options.out`, and write `options.save`: files of all pictures hold these, in this order.

    Returns how many failed. What an earlier call has labelled counts. Raises CasnetError.
    """
    from casnet_cli.prediction.manifest import Manifest, check_unclaimed

    assert options.out is not None
    model = engines.open_any(checkpoint, options)
    outputs = session.outputs_of(options.out, model.run, options)
    check_unclaimed(outputs, jobs)
    with Manifest(outputs, warn=console.once) as manifest:
        pending = manifest.pending(jobs)
        console.message(f"labelling {len(pending)} of {count(len(jobs), 'image')} on the list")
        if pending:
            _label(model, pending, manifest)
        write_together(manifest, None, jobs, relabelled=bool(pending), chosen=True)
        return sum(manifest.done[str(job.file)]["status"] != "ok" for job in jobs)


def _label(model: engines.OpenedModel, jobs: list[Job], manifest: "Manifest[Outputs]") -> None:
    from casnet_cli.prediction.picture_reader import PictureReader

    reader = PictureReader(model.run.meta.intensities)
    engine = model.engine(len(jobs))
    manifest.engine = engine.name
    session.label(engine.predictor(manifest.outputs.needs), jobs, manifest, reader)
