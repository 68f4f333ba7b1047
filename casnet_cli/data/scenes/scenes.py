"""Synthetic outdoor scenes with their labels, for a demonstration that needs no download.

A scene is a flat world in metres before a pinhole camera: x to the right, z away from the camera, heights above the
ground. Things are painted from far to near, into image and label at once, so that the label is what is visible.
Colours are float32 RGB in 0..1 until the last step; one generator makes all random numbers.
"""

from collections.abc import Callable
from functools import partial

import numpy as np

from casnet_cli.data.scenes.canvas import Canvas, read
from casnet_cli.data.scenes.tables import LEAVES, MOUNTAIN, PLANS, ROCKS, TREE, Plan
from casnet_cli.labels import VOID


class _Scene:
    """A plan drawn on a canvas: first what is fixed to the ground, then all that stands on it, from far to near."""

    def __init__(self, canvas: Canvas, plan: Plan):
        self.canvas, self.plan, self.rng = canvas, plan, canvas.rng
        self.things: list[tuple[float, float, float, Callable[[], None]]] = []
        self.half = self.axis = self.bend = 0.0

    def put(self, x: float, z: float, wide: float, draw: Callable[..., None], *what: object) -> None:
        """Queue draw(x, z, *what), with a shadow `wide` metres across."""
        self.things.append((z, x, wide, partial(draw, x, z, *what)))

    def stand(self) -> None:
        """Draw the queue: shadows first, as they lie on the ground behind everything, then things from far to near."""
        for z, x, wide, _ in self.things:
            if wide:
                self.canvas.shadow(x, z, wide)
        for *_, draw in sorted(self.things, key=lambda thing: -thing[0]):
            draw()
        self.things.clear()

    def lane(self, z: float) -> float:
        """x of the middle of the road at a distance."""
        return self.axis + self.bend * z * z / (z + 40)

    def spots(self, mean: float, near: float, far: float) -> list[tuple[float, float]]:
        """About `mean` places (x, z) in view and off the road; as many near as far in the picture."""
        found, c = [], self.canvas
        for _ in range(self.rng.poisson(mean)):
            z = near * (far / near) ** self.rng.random()
            x = (self.rng.uniform(0, c.width) - c.center) * z / c.focal
            away = x - self.lane(z)
            if self.half and (self.plan.houses == "rows" or abs(away) < self.half + 1.2):
                x += float(np.copysign(self.half + 1.2 + 2 * self.rng.random() - abs(away), away))
            found.append((x, z))
        return found

    def backdrop(self) -> None:
        """Sky, mountains (often with a fainter range behind them), a distant wood, the ground, a road."""
        c, rng, plan, haze = self.canvas, self.rng, self.plan, self.canvas.mood.haze
        c.sky()
        if rng.random() < plan.hills:
            tall = c.horizon * rng.uniform(0.28, 0.6)
            if rng.random() < 0.3:
                c.ridge(tall * 1.25, rng.uniform(0.25, 0.4), (0.40, 0.44, 0.52), MOUNTAIN, haze * rng.uniform(1.1, 1.6))
            c.ridge(tall * 0.8, rng.uniform(0.3, 0.6), ROCKS[rng.integers(3)], MOUNTAIN, haze * rng.uniform(0.2, 0.4))
        if rng.random() < plan.wood:
            c.ridge(rng.uniform(8, 20), rng.uniform(1.5, 3.0), LEAVES[rng.integers(3)], TREE, 60.0)
        c.grass()
        if rng.random() < plan.road:
            town = plan.houses == "rows"
            self.half = rng.uniform(3.0, 4.2)
            self.bend, self.axis = (0.0, 0.0) if town else (rng.uniform(-0.5, 0.5), rng.uniform(-3, 3))
            if town:
                c.road(0, self.half + 3.5, paved=True)
            c.road(self.axis, self.half, self.bend)

    def street(self) -> None:
        """Houses wall to wall, trees and lamps along both sides of a straight road."""
        rng, c, near = self.rng, self.canvas, self.half + 3.5
        for side in (-1, 1):
            z = rng.uniform(-6, 4)
            while z < 110:
                deep = rng.uniform(8, 16)
                tall, gable = (rng.uniform(5, 7), 2.6) if rng.random() < 0.3 else (rng.uniform(8, 16), 0.0)
                x0, x1 = sorted((side * near, side * (near + rng.uniform(10, 18))))
                # Its far end decides the order: all that is nearer stands before the wall, on the pavement.
                self.things.append((z + deep, x0, 0.0, partial(c.house, x0, x1, z, z + deep, tall, gable)))
                z += deep + (rng.uniform(2, 7) if rng.random() < 0.35 else 0)
            x, step = side * (self.half + 0.7), rng.uniform(9, 15)
            for z in (rng.uniform(9, 14) + step * np.arange(4)).tolist():
                if rng.random() < 0.5:
                    self.put(x, z, 2.5, c.tree, rng.uniform(4, 6), ("round", "slim")[rng.integers(2)])
                else:
                    self.put(x, z, 0.3, c.sprite, "lamp")

    def houses(self) -> None:
        """Single houses in the green, or a front of them beyond the lake."""
        rng, c, plan = self.rng, self.canvas, self.plan
        for i in range({"villas": 6, "farm": 1, "front": 8}.get(plan.houses, 0)):
            front = plan.houses == "front"
            (near, far), wide = ((46, 56) if front else (16, 45)), rng.uniform(8, 14)
            z, tall = rng.uniform(near, far), rng.uniform(5, 17) if front else rng.uniform(3.2, 6)
            x = (rng.uniform(0, c.width) - c.center) * z / c.focal
            if self.half:
                x = self.lane(z) + (-1) ** i * (self.half + 3 + wide / 2 + rng.uniform(0, 6))
            gable = rng.uniform(2.0, 3.2) if tall < 8 else 0.0
            house = partial(c.house, x - wide / 2, x + wide / 2, z, z + rng.uniform(6, 10), tall, gable)
            self.things.append((z, x, 0.0, house))

    def lake(self, far: float, near: float) -> None:
        """Trees on the far shore, all that is queued so far, water with its reflection; boats come after."""
        rng, c = self.rng, self.canvas
        for x, z in self.spots(7, far * 1.02, far * 1.2):
            self.put(x, z, 0.0, c.tree, rng.uniform(4, 10), ("round", "fir", "bush")[rng.integers(3)])
        self.stand()
        c.water(far, near)
        for x, z in self.spots(self.plan.boats, near * 2, far * 0.8):
            self.put(x, z, 0.0, c.sprite, ("boat", "sail")[rng.integers(2)])

    def draw(self) -> None:
        """All of it."""
        rng, c, plan = self.rng, self.canvas, self.plan
        self.backdrop()
        self.street() if plan.houses == "rows" else self.houses()
        near, far = 12.0, 50.0
        if plan.lake:
            self.lake(*plan.lake)
            near, far = plan.lake[1] * 0.75, plan.lake[1] * 0.9
        for x, z in self.spots(plan.trees, near, far):
            shape = ("round", "fir", "round", "bush", "slim")[rng.integers(5)]
            tall = min(rng.uniform(6, 11), 0.45 * z) * (0.3 if shape == "bush" else 1.0)
            self.put(x, z, 0.5 * tall, c.tree, tall, shape)
        for names, mean in ((("walker", "walker", "walker", "sign"), plan.people), (("cow", "sheep"), plan.beasts)):
            for x, z in self.spots(mean, 5, min(far, 16)):
                self.put(x, z, 0.9, c.sprite, names[rng.integers(len(names))])
        for _ in range(rng.poisson(plan.cars)):
            z = 7 * 3 ** rng.random()
            self.put(self.lane(z) + float(rng.choice((-0.5, 0.5))) * self.half, z, 2.2, c.sprite, "car")
        self.stand()


def _unlabel(c: Canvas) -> None:
    """Turn a share of the pixels along borders, now and then a whole blob, into void, as annotators leave them."""
    rng, border = c.rng, np.zeros(c.label.shape, bool)
    for axis in (0, 1):
        for step in (-1, 1):
            border |= np.roll(c.label, step, axis) != c.label
    border[[0, -1]] = border[:, [0, -1]] = False
    noise = read(c.smooth, c.x * 2, c.y * 2)
    share = rng.uniform(0.005, 0.015) * border.size / max(border.sum(), 1)
    c.label[border & (noise > np.quantile(noise[border], max(1 - share, 0.4)))] = VOID
    if rng.random() < 0.35:
        y, x, r = rng.uniform(0, c.height), rng.uniform(0, c.width), rng.uniform(5, 9)
        c.label[np.hypot(c.y - y, 0.7 * (c.x - x)) < r * (1 + 0.15 * noise)] = VOID


def draw_scene(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A scene and its label, the same bytes for the same seed.

    Returns image (H, W, 3) uint8 RGB and label (H, W) uint8: class ids 0..7 in the order of Stanford Background
    (sky, tree, road, grass, water, building, mountain, foreground object), 255 = void. Sides 256..400.
    """
    rng = np.random.default_rng(seed)
    canvas = Canvas(rng)
    _Scene(canvas, PLANS[rng.integers(len(PLANS))]).draw()
    _unlabel(canvas)
    image = canvas.image * rng.normal(1, 0.025, 3).astype(np.float32)
    image += rng.normal(0, rng.uniform(0.008, 0.018), image.shape[:2]).astype(np.float32)[..., None]
    image = np.clip(image, 0, 1) ** rng.uniform(0.9, 1.08)
    return (image * 255 + 0.5).astype(np.uint8), canvas.label
