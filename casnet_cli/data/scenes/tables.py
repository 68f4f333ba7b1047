"""Tables of the synthetic scenes: illumination, kinds of scene, colours, outlines of small things."""

from dataclasses import dataclass

SKY, TREE, ROAD, GRASS, WATER, BUILDING, MOUNTAIN, OBJECT = range(8)
Color = tuple[float, float, float]


@dataclass(frozen=True)
class Mood:
    """Illumination and weather."""

    zenith: Color
    """Of the sky at the top."""
    horizon: Color
    """Of the sky at the bottom, and of the haze."""
    cloud: Color
    """Of the clouds."""
    light: Color
    """Factors of the colours of all that is lit."""
    cover: float
    """Amount of clouds: 0 none, 1 and more an overcast sky."""
    shadow: float
    """Strength of shadows, 0..1."""
    haze: float
    """Distance in metres at which haze hides 63 % of the colour."""
    lit: float = 0.0
    """How many windows are lit, 0..1; low sun above 0.3."""


@dataclass(frozen=True)
class Plan:
    """A kind of scene."""

    hills: float
    """Probability of mountains at the horizon."""
    wood: float
    """Probability of a distant wood."""
    road: float
    """Probability of a road."""
    lake: tuple[float, float] | None
    """Distances in metres of the far and the near shore of a lake."""
    houses: str
    """How houses stand: rows, villas, farm, front, or empty for none."""
    trees: float
    """Mean number of trees."""
    cars: float
    """Mean number of cars."""
    people: float
    """Mean number of people and signs."""
    beasts: float
    """Mean number of cows and sheep."""
    boats: float
    """Mean number of boats."""


# fmt: off
MOODS = (
    Mood((0.20, 0.45, 0.82), (0.74, 0.86, 0.95), (0.99, 0.99, 0.98), (1.10, 1.05, 0.95), 0.15, 0.50, 420.0),
    Mood((0.33, 0.56, 0.86), (0.84, 0.90, 0.94), (1.00, 0.99, 0.97), (1.04, 1.01, 0.95), 0.65, 0.40, 300.0),
    Mood((0.62, 0.66, 0.71), (0.84, 0.86, 0.88), (0.90, 0.91, 0.93), (0.86, 0.88, 0.90), 1.10, 0.14, 220.0, 0.08),
    Mood((0.27, 0.31, 0.55), (0.99, 0.70, 0.46), (0.93, 0.52, 0.42), (0.82, 0.66, 0.60), 0.45, 0.30, 260.0, 0.45),
)
PLANS = (
    Plan(0.25, 0.8, 1.0, None, "rows", 0, 2, 2, 0, 0),
    Plan(0.40, 1.0, 1.0, None, "villas", 5, 1.5, 1, 0.3, 0),
    Plan(0.95, 0.8, 0.9, None, "", 5, 1.2, 0.2, 1.5, 0),
    Plan(0.95, 0.8, 0.0, (60, 9), "", 2, 0, 0.8, 0.3, 1.2),
    Plan(0.50, 1.0, 0.0, None, "farm", 5, 0, 0.5, 2.5, 0),
    Plan(0.40, 0.7, 0.0, (45, 8), "front", 1, 0, 1, 0, 1.2),
)
PAINTS = ((0.78, 0.10, 0.10), (0.12, 0.28, 0.65), (0.90, 0.90, 0.90), (0.16, 0.17, 0.19), (0.93, 0.72, 0.10),
          (0.62, 0.65, 0.68), (0.10, 0.45, 0.42), (0.86, 0.38, 0.12))
WALLS = ((0.62, 0.33, 0.25), (0.80, 0.72, 0.58), (0.70, 0.66, 0.62), (0.85, 0.80, 0.72), (0.55, 0.42, 0.36),
         (0.80, 0.60, 0.45), (0.52, 0.56, 0.62))
ROOFS = ((0.55, 0.22, 0.16), (0.33, 0.30, 0.31), (0.45, 0.28, 0.20))
LEAVES = ((0.17, 0.33, 0.10), (0.12, 0.28, 0.12), (0.25, 0.36, 0.10), (0.20, 0.30, 0.09), (0.52, 0.34, 0.09))
MEADOWS = ((0.34, 0.52, 0.16), (0.42, 0.54, 0.20), (0.30, 0.46, 0.14), (0.55, 0.54, 0.26))
WATERS = ((0.10, 0.30, 0.42), (0.14, 0.36, 0.46), (0.16, 0.32, 0.34))
ROCKS = ((0.36, 0.38, 0.42), (0.42, 0.38, 0.34), (0.33, 0.36, 0.38))
WINDOWS = ((2.6, 0.75, 1.85, 1.0, 2.4), (3.6, 0.5, 3.1, 0.9, 2.3), (1.6, 0.1, 1.5, 0.5, 2.9))
CROWNS = {"round": (0.64, 0.27, 0.24, 15), "slim": (0.55, 0.08, 0.36, 14), "bush": (0.30, 0.34, 0.16, 9)}
KEYS: dict[str, Color] = {
    "k": (0.10, 0.10, 0.11), "g": (0.24, 0.32, 0.40), "r": (0.75, 0.08, 0.07), "w": (0.90, 0.90, 0.86),
    "n": (0.42, 0.43, 0.45), "s": (0.80, 0.60, 0.48), "h": (0.20, 0.13, 0.09), "y": (1.00, 0.93, 0.70),
    "c": (0.86, 0.82, 0.76), "e": (0.32, 0.20, 0.13),
}
# Height and width in metres, then shapes from back to front: Box, Oval or Polygon, a key of the colours, and corner
# coordinates in percent of width and height. The colours a and b are drawn anew for every object.
SPRITES: dict[str, tuple[float, float, str]] = {
    "car": (1.5, 1.9, "B k 8 74 26 100|B k 74 74 92 100|P a 20 3 80 3 94 46 6 46|B a 2 38 98 88|"
        "P g 25 10 75 10 84 38 16 38|B r 5 46 21 60|B r 79 46 95 60|B w 39 58 61 70|B k 3 80 97 89|B n 12 62 30 66|"
        "B n 70 62 88 66"),
    "walker": (1.75, 0.75, "P b 36 50 50 50 40 97 22 97|P b 48 50 64 50 78 97 60 97|P k 20 95 42 95 40 100 16 100|"
        "P k 60 95 80 95 84 100 60 100|P a 28 17 72 17 78 34 68 55 32 55 22 34|P a 24 18 34 20 24 48 10 46|"
        "P a 66 20 76 18 90 44 78 48|O s 8 44 24 51|O s 78 43 92 50|O s 35 1 65 15|P h 34 8 38 1 62 1 66 8 58 5 42 5"),
    "cow": (1.5, 2.3, "B c 16 55 24 100|B c 28 55 35 97|B c 68 55 76 100|B c 78 55 85 97|O c 10 20 90 72|"
        "P c 78 26 84 10 99 18 97 40 86 44|O e 28 22 52 50|O e 60 34 78 62|O e 10 30 20 56|P c 10 28 4 60 7 62 14 40|"
        "P w 85 10 84 2 88 9|O n 92 24 99 38"),
    "sheep": (0.9, 1.3, "B k 24 62 31 100|B k 36 62 42 97|B k 62 62 69 100|B k 74 62 80 97|O w 6 16 88 80|"
        "O w 14 8 50 60|O w 44 8 84 60|O k 80 14 99 46"),
    "sign": (2.6, 0.7, "B n 46 20 55 100|O r 4 1 96 27|O w 20 6 80 22|B k 30 12 70 16"),
    "lamp": (5.5, 1.5, "B n 10 4 16 100|B n 10 2 84 4|P n 6 90 20 90 22 100 4 100|P y 62 3 96 3 90 6 68 6"),
    "sail": (6.0, 4.6, "B n 46 2 49 88|P w 51 5 51 80 92 80|P a 44 12 44 80 14 80|P b 2 84 98 84 86 100 14 100"),
    "boat": (1.7, 4.2, "P w 40 14 70 14 74 52 34 52|P g 43 20 67 20 69 38 40 38|P a 1 48 99 44 86 100 14 100|"
        "P w 1 50 99 46 97 56 3 60"),
}
# fmt: on
