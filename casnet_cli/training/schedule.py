"""How the learning rate rises and falls, and when it has fallen far enough."""

import math

from casnet_cli.recipe import ScheduleSection
from casnet_cli.runs.progress import ScheduleState


class Schedule:
    """The rate of each step. Its state is plain numbers, so that a checkpoint carries it.

    Any kind first rises in a straight line: step s of the first `warmup_steps` has (s + 1) / warmup_steps of the
    full rate. Then, t being the step and T the steps of the run, both counted from the end of that rise, so that the
    fall begins at the full rate and ends near 0 with the run:

    plateau (section 4.2): divided by `factor` when the validation metric has not improved for `patience`
    validations, `drops` times in all; the plateau after the last drop ends the run.
    polynomial: rate · (1 − t / T)^power. cosine: rate · ½ · (1 + cos(π · t / T)). constant: rate.

    `early_stop` validations in a row without a new best end a run of any kind.
    """

    def __init__(self, section: ScheduleSection, rate: float, steps: int):
        self.section, self.initial, self.steps = section, rate, steps
        self.best, self.waited, self.dropped, self.finished = -1.0, 0, 0, False
        self.since_best = 0

    def rate(self, step: int) -> float:
        """Rate of step 0, 1, …, steps − 1; from there on that of the last step."""
        step, warmup = min(step, self.steps - 1), self.section.warmup_steps
        falls_by_itself = self.section.kind in ("polynomial", "cosine")
        full = self.initial if falls_by_itself else self.initial / self.section.factor**self.dropped
        if step < warmup:
            return full * (step + 1) / warmup
        done = (step - warmup) / (self.steps - warmup)
        if self.section.kind == "polynomial":
            return full * (1 - done) ** self.section.power
        if self.section.kind == "cosine":
            return full * (1 + math.cos(math.pi * done)) / 2
        return full

    def observe(self, score: float) -> bool:
        """Take the score of a validation; returns whether it is the best so far."""
        if score > self.best:
            self.best, self.waited, self.since_best = score, 0, 0
            return True
        self.waited += 1
        self.since_best += 1
        if self.section.kind == "plateau" and self.waited >= self.section.patience:
            self._end_plateau()
        if 0 < self.section.early_stop <= self.since_best:
            self.finished = True
        return False

    def _end_plateau(self) -> None:
        self.waited = 0
        if self.dropped < self.section.drops:
            self.dropped += 1
        else:
            self.finished = True

    def state(self) -> ScheduleState:
        """For a checkpoint."""
        return {
            "best": self.best,
            "waited": self.waited,
            "since_best": self.since_best,
            "dropped": self.dropped,
            "finished": self.finished,
        }

    def restore(self, state: ScheduleState) -> None:
        """Go on from what `state()` gave, also that of a checkpoint from before `early_stop`."""
        self.best, self.waited = float(state["best"]), int(state["waited"])
        self.dropped, self.finished = int(state["dropped"]), bool(state["finished"])
        # Where no plateau has set `waited` back it is the same count.
        self.since_best = int(state.get("since_best", self.waited))
