"""How the learning rate falls, and when it has fallen far enough."""

from typing import Any

from casnet_cli.recipe import Schedule as ScheduleSection


class Schedule:
    """The rate of each step. Its state is plain numbers, so that a checkpoint carries it.

    plateau (section 4.2): divided by `factor` when the validation figure has not improved for `patience`
    validations, `drops` times in all; the plateau after the last drop ends the run.
    """

    def __init__(self, section: ScheduleSection, rate: float, steps: int):
        self.section, self.initial, self.steps = section, rate, steps
        self.best, self.waited, self.dropped, self.finished = -1.0, 0, 0, False

    def rate(self, step: int) -> float:
        """Rate of step 0, 1, …, steps − 1."""
        if self.section.kind == "polynomial":
            return self.initial * (1 - min(step, self.steps - 1) / self.steps) ** self.section.power
        return self.initial / self.section.factor**self.dropped

    def observe(self, figure: float) -> bool:
        """Take a validation figure (higher is better); says whether it is the best so far."""
        if figure > self.best:
            self.best, self.waited = figure, 0
            return True
        self.waited += 1
        if self.section.kind == "plateau" and self.waited >= self.section.patience:
            self.waited = 0
            if self.dropped < self.section.drops:
                self.dropped += 1
            else:
                self.finished = True
        return False

    def state(self) -> dict[str, Any]:
        return {"best": self.best, "waited": self.waited, "dropped": self.dropped, "finished": self.finished}

    def restore(self, state: dict[str, Any]) -> None:
        self.best, self.waited = float(state["best"]), int(state["waited"])
        self.dropped, self.finished = int(state["dropped"]), bool(state["finished"])
