"""Recipes: the schema in `sections`, and in `reading` TOML, dotted overrides, and all faults of a recipe at once."""

from casnet_cli.recipe.reading import KEYS, SECTIONS, changed, differences, dumps, find, load, loads, names
from casnet_cli.recipe.sections import (
    AugmentationSection,
    DataSection,
    EvaluationSection,
    ModelSection,
    OptimizerSection,
    Recipe,
    ScheduleSection,
    Section,
    TrainingSection,
)

__all__ = [
    "AugmentationSection",
    "DataSection",
    "EvaluationSection",
    "KEYS",
    "ModelSection",
    "OptimizerSection",
    "Recipe",
    "SECTIONS",
    "ScheduleSection",
    "Section",
    "TrainingSection",
    "changed",
    "differences",
    "dumps",
    "find",
    "load",
    "loads",
    "names",
]
