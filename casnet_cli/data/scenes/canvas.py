"""The painter of synthetic scenes: textures in perspective, each laid into the image and the label at once."""

import numpy as np
from PIL import Image, ImageDraw

from casnet_cli.data.scenes.tables import (
    BUILDING,
    CROWNS,
    GRASS,
    KEYS,
    LEAVES,
    MEADOWS,
    MOODS,
    MOUNTAIN,
    OBJECT,
    PAINTS,
    ROAD,
    ROOFS,
    SKY,
    SPRITES,
    TREE,
    WALLS,
    WATER,
    WATERS,
    WINDOWS,
    Color,
)

TILE = 256  # side of the periodic noise textures


def _noise(rng: np.random.Generator, cells: tuple[int, ...], stretch: int = 1) -> np.ndarray:
    """Periodic value noise (TILE, TILE) float32, mean 0, deviation 1: an octave a cell count, rows stretched."""
    total = np.zeros((TILE, TILE), np.float32)
    for octave, n in enumerate(cells):
        rows = n // stretch
        grid = Image.fromarray(np.pad(rng.random((rows, n), np.float32), 2, mode="wrap"))
        inside = (2, 2, 2 + n, 2 + rows)
        total += np.asarray(grid.resize((TILE, TILE), Image.Resampling.BICUBIC, box=inside)) * np.float32(0.6**octave)
    return (total - total.mean()) / total.std()


def read(tile: np.ndarray, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """The periodic tile at texel (u, v), nearest neighbour; u and v broadcast."""
    return tile[v.astype(np.int32) & (TILE - 1), u.astype(np.int32) & (TILE - 1)]


def _mix(a: np.ndarray, b: np.ndarray, share: np.ndarray | float) -> np.ndarray:
    """Colours (..., 3) from a to b by share (...) in 0..1."""
    mixed = np.subtract(b, a, dtype=np.float32)
    # In place where the shapes allow it: this is where half of the time goes.
    if np.ndim(share) == mixed.ndim - 1:
        mixed *= np.asarray(share, np.float32)[..., None]
        mixed += a
        return mixed
    return a + mixed * np.asarray(share, np.float32)[..., None]


def _band(x: np.ndarray, low: float, high: float, soft: np.ndarray | float) -> np.ndarray:
    """1 inside low..high, 0 outside, with an edge as wide as a pixel's footprint `soft`: no stairs, no flicker."""
    return np.clip(np.minimum(x - low, high - x) / soft + 0.5, 0, 1)


def _rgb(color: Color) -> np.ndarray:
    return np.array(color, np.float32)


class Canvas:
    """An image (H, W, 3) float32 and its label (H, W) uint8 to paint on, and the camera that projects onto them."""

    def __init__(self, rng: np.random.Generator):
        self.rng = rng
        long, short = int(rng.integers(352, 401)), int(rng.integers(256, 305))
        self.width, self.height = (short, long) if rng.random() < 0.25 else (long, short)
        self.mood = MOODS[rng.choice(len(MOODS), p=(0.34, 0.26, 0.2, 0.2))]
        self.light, self.haze = _rgb(self.mood.light) * rng.uniform(0.92, 1.05), _rgb(self.mood.horizon) * 0.96
        self.horizon, self.center = self.height * rng.uniform(0.42, 0.56), self.width * rng.uniform(0.36, 0.64)
        self.focal, self.eye, self.sun = 265 * rng.uniform(0.9, 1.1), rng.uniform(2.0, 3.0), float(rng.choice((-1, 1)))
        self.image = np.zeros((self.height, self.width, 3), np.float32)
        self.label = np.zeros((self.height, self.width), np.uint8)
        self.smooth, self.grain = _noise(rng, (4, 8, 16, 32, 64)), _noise(rng, (32, 64, 128, 256))
        self.streak = _noise(rng, (64, 128), stretch=8)
        self.y, self.x = np.mgrid[: self.height, : self.width].astype(np.float32)
        self.z = (self.eye * self.focal / np.maximum(self.y[:, :1] + 0.5 - self.horizon, 0.15)).astype(np.float32)
        self.ground_x = ((self.x - self.center) * self.z / self.focal).astype(np.float32)
        self.ground = np.clip(self.y - self.horizon + 0.5, 0, 1)

    def project(self, x: float, height: float, z: float) -> tuple[float, float]:
        """Pixel (column, row) of a point of the world."""
        return self.center + x * self.focal / z, self.horizon + (self.eye - height) * self.focal / z

    def paint(self, alpha: np.ndarray, color: np.ndarray, kind: int | None, z: np.ndarray | float = 0.0,
              at: tuple[int, int] = (0, 0)) -> None:  # fmt: skip
        """Lay color (h, w, 3) or (3,) with alpha (h, w) at (row, column); what reaches over the frame is cut.

        kind: class id where alpha exceeds a half; None leaves the label, as shadows do.
        z: distance for the haze, a number, (h, 1) or (1, w). The light falls on all but the sky.
        """
        (top, left), (bottom, right) = np.maximum(at, 0), np.minimum(np.add(at, alpha.shape), self.label.shape)
        if top >= bottom or left >= right:
            return
        inside = np.s_[top - at[0] : bottom - at[0], left - at[1] : right - at[1]]
        fog = np.broadcast_to(1 - np.exp(-np.asarray(z, np.float32) / np.float32(self.mood.haze)), alpha.shape)[inside]
        alpha, color = alpha[inside], color[inside] if color.ndim == 3 else color
        # Rows without paint cost as much as others: most things cover a part of the frame.
        rows = np.flatnonzero(alpha.any(axis=1))
        if not rows.size:
            return
        used = np.s_[rows[0] : rows[-1] + 1]
        alpha, fog, color = alpha[used], fog[used], color[used] if color.ndim == 3 else color
        frame = np.s_[top + rows[0] : top + rows[-1] + 1, left:right]
        if kind != SKY:
            color = _mix(color * self.light, self.haze, fog if np.ndim(z) or color.ndim == 3 else fog[0, 0])
        self.image[frame] = _mix(self.image[frame], color, alpha)
        if kind is not None:
            self.label[frame][alpha > 0.5] = kind

    def sky(self) -> None:
        """Gradient, clouds in perspective, and a glow where the sun stands low."""
        mood = self.mood
        color = _mix(_rgb(mood.zenith), _rgb(mood.horizon), np.clip(self.y / self.horizon, 0, 1) ** 0.9)
        lift = np.maximum(self.horizon * 1.12 - self.y, 8)
        shift = self.rng.integers(0, TILE)
        dense = read(self.smooth, (self.x - self.center) * 55 / lift + shift, 5200 / lift + self.y * 0.5)
        dense = np.clip(0.5 * dense + mood.cover - 0.5, 0, 1) * np.clip(lift / 60, 0.15, 1)
        color = _mix(color, _rgb(mood.cloud) * (1 - 0.12 * np.clip(dense * 2 - 1, 0, 1))[..., None], dense)
        if mood.lit > 0.3:
            away = np.hypot(self.x - self.rng.uniform(0, self.width), 1.6 * (self.y - self.horizon)) / self.width
            color = color + np.exp(-((away / 0.35) ** 2))[..., None] * _rgb((0.25, 0.17, 0.05))
        self.paint(np.ones_like(self.x), color, SKY)

    def ridge(self, tall: float, rough: float, color: Color, kind: int, z: float) -> None:
        """A skyline about `tall` pixels high along the whole horizon: mountains, or a distant wood."""
        line = self.smooth[self.rng.integers(TILE)] + 0.5 * self.grain[self.rng.integers(TILE)] * (kind == TREE)
        along = np.arange(self.width) * rough + self.rng.uniform(0, TILE)
        level = tall * np.clip(1 + 0.3 * np.interp(along, np.arange(TILE), line, period=TILE), 0.2, 2)
        deep = self.y - self.horizon + level.astype(np.float32)
        if kind == MOUNTAIN:
            u, v = self.x * 1.1 + deep * 0.5, deep * 1.3
            slope = read(self.smooth, u + 4 * self.sun, v) - read(self.smooth, u, v + 2)
            snow = np.clip((0.3 * tall - deep) / 6 + 1.2 * slope, 0, 1) * (tall > 50)
            paint = _mix(_rgb(color), _rgb((0.95, 0.96, 1.0)), snow) * (0.9 + 0.35 * slope)[..., None]
        else:
            leaf = 0.2 * read(self.grain, self.x, self.y) + 0.2 * read(self.smooth, self.x * 4, self.y * 4)
            paint = _rgb(color) * (1.15 + leaf - 0.5 * deep / tall)[..., None]
        self.paint(np.clip(np.minimum(deep, self.horizon + 2 - self.y) + 0.5, 0, 1), paint, kind, z)

    def grass(self) -> None:
        """A meadow over all ground: large patches, blades nearby, a few flowers."""
        near, far = np.clip(16 / self.z, 0, 1), np.log(self.z)
        patch = read(self.smooth, self.ground_x * 4, self.z * 4)
        blade, fine = (
            read(self.streak, self.x * 1.7 + far * 60, far * 300),
            read(self.grain, self.ground_x * 14, far * 130),
        )
        shade = 1 + 0.09 * patch + 0.10 * blade * near + 0.07 * fine
        paint = _rgb(MEADOWS[self.rng.integers(len(MEADOWS))]) * shade[..., None]
        paint = _mix(paint, _rgb((0.62, 0.58, 0.30)), 0.35 * np.clip(patch - 0.6, 0, 1))
        bloom = ((0.95, 0.9, 0.4), (0.95, 0.93, 0.95), (0.8, 0.3, 0.35), MEADOWS[0], MEADOWS[0])[self.rng.integers(5)]
        paint = _mix(paint, _rgb(bloom), np.clip(fine * 2 - 4.4, 0, 1) * (patch > 0.2) * near)
        self.paint(self.ground, paint, GRASS, self.z)

    def road(self, center: float, half: float, bend: float = 0.0, paved: bool = False) -> None:
        """Asphalt with lanes, or paving, `half` metres to either side of a line that may bend away."""
        z, x, near = self.z, self.ground_x, np.clip(10 / self.z, 0, 1)
        off, soft = x - center - bend * z * z / (z + 40), z / self.focal
        wear = 0.025 * read(self.smooth, x * 9, z * 3) + 0.05 * read(self.grain, x * 25, z * 25) * near
        if paved:
            joint = np.maximum(_band(x % 1.2, -1, 0.05, soft), _band(z % 1.2, -1, 0.06, soft * z / self.eye))
            paint = _rgb((0.60, 0.57, 0.54)) * (1 + wear - 0.22 * joint * near)[..., None]
        else:
            track = _band(np.abs(np.abs(off) - half / 2), -1, half * 0.16, half * 0.2)
            line = _band(off, -0.09, 0.09, soft) * (z % 5 < 2.6) + _band(np.abs(off), half - 0.4, half - 0.24, soft)
            paint = _rgb((0.40, 0.40, 0.42)) * (1 + wear - 0.08 * track)[..., None]
            paint = _mix(paint, _rgb((0.88, 0.87, 0.80)), line * 0.85)
        self.paint(_band(off, -half, half, soft) * self.ground, paint, ROAD, z)

    def water(self, far: float, near: float) -> None:
        """A lake between two distances: ripples, and all that stands beyond the far shore upside down."""
        shore, end = (self.project(0, 0, z)[1] for z in (far, near))
        deep, log = self.y - shore, np.log(self.z)
        wave, fine = read(self.streak.T, self.ground_x * 6, log * 150), read(self.grain, self.ground_x * 3, log * 90)
        swing = 0.4 + np.maximum(deep, 0) * 0.03
        rows = np.clip(2 * shore - self.y + wave * swing * 1.5, 0, shore - 1).astype(int)
        cols = np.clip(self.x + fine * swing, 0, self.width - 1).astype(int)
        tint = _rgb(WATERS[self.rng.integers(len(WATERS))])
        paint = _mix(self.image[rows, cols] / self.light, tint, np.clip(0.45 + 0.06 * wave + deep / 500, 0, 1))
        paint = paint * (1 + 0.06 * wave)[..., None] + 0.2 * np.clip(wave - 1.4, 0, 1)[..., None]
        bank = np.interp(self.x[0] * 0.6, np.arange(TILE), self.smooth[self.rng.integers(TILE)], period=TILE)
        limit = (end + bank * (end - shore) * 0.08).astype(np.float32)
        self.paint(np.clip(np.minimum(deep, limit - self.y) + 0.5, 0, 1), paint, WATER)

    def house(self, x0: float, x1: float, z0: float, z1: float, tall: float, gable: float = 0.0) -> None:
        """A building between x0..x1 and z0..z1: the side that faces the camera's axis, the roof, the front."""
        rng = self.rng
        color, style, seed = _rgb(WALLS[rng.integers(len(WALLS))]), rng.integers(2 + (tall > 9)), rng.integers(0, TILE)
        side = x1 if x1 < 0 else x0
        if x1 < 0 or x0 > 0:
            offset = self.x[:1] + 0.5 - self.center
            z = np.where(offset * side > 0, side * self.focal / offset, 0)
            visible = np.flatnonzero((z[0] > max(z0, 1)) & (z[0] < z1))
            if visible.size:
                z = z[:, visible[0] : visible[-1] + 1]
                peak = tall + gable * (1 - np.abs(2 * (z - z0) / (z1 - z0) - 1))
                shaded = color * (0.74 if side * self.sun < 0 else 0.95)
                self.wall((shaded, style, seed), int(visible[0]), z, z - z0, peak, z / abs(side))
        if z0 < 3:
            return
        if gable:
            middle = (z0 + z1) / 2
            corners = (
                (x0 - 0.3, tall, z0),
                (x1 + 0.3, tall, z0),
                (x1, tall + gable, middle),
                (x0, tall + gable, middle),
            )
            alpha, at = self.outline([self.project(*corner) for corner in corners])
            rows, cols = np.mgrid[: alpha.shape[0], : alpha.shape[1]]
            tiles = 1 + 0.08 * read(self.grain, cols * 2, rows * 2) - 0.12 * (rows % 3 == 0)
            self.paint(alpha, _rgb(ROOFS[rng.integers(len(ROOFS))]) * tiles[..., None], BUILDING, z0, at)
        left, right = (int(np.clip(self.project(x, 0, z0)[0], 0, self.width)) for x in (x0, x1))
        u = (np.arange(left, right, dtype=np.float32)[None] + 0.5 - self.center) * z0 / self.focal - x0
        self.wall((color, style, seed), left, np.full_like(u, z0), u, np.full_like(u, tall), np.ones_like(u))

    def wall(self, style: tuple, left: int, z: np.ndarray, u: np.ndarray, tall: np.ndarray, slant: np.ndarray) -> None:
        """A facade from column `left` on; (1, w) each: distance, metres along it, height, how obliquely it is seen."""
        v = self.eye - (self.y[:, :1] + 0.5 - self.horizon) * z / self.focal
        rows = np.flatnonzero(((v > -0.1) & (v < tall + 0.1)).any(axis=1))
        if not rows.size:
            return
        v, soft = v[rows[0] : rows[-1] + 1], z / self.focal
        wide, (color, kind, seed) = soft * np.maximum(slant, 1), style
        step, low, high, sill, head = WINDOWS[kind]
        fu, fv, real = u % step, v % 3.1, (v < tall - 0.7) & (v > 0.3)
        glass = _band(fu, low, high, wide) * _band(fv, sill, head, soft) * real
        frame = _band(fu, low - 0.16, high + 0.16, wide) * _band(fv, sill - 0.2, head + 0.14, soft) * real
        room = read(self.grain, u // step * 37 + seed, v // 3.1 * 59)
        course = _band(v % 0.45, -1, 0.1, soft) * np.clip(1 - 3 * soft, 0, 1)
        brick = read(self.grain, u // 0.7 * 3 + v // 0.45 * 11, v // 0.45 * 7) * np.clip(1 - 4 * wide, 0, 1)
        shade = 0.96 + 0.05 * read(self.smooth, u * 6 + seed, v * 6) + (0.05 * brick - 0.14 * course) * (kind == 0)
        paint = color * (shade - 0.1 * (v < 0.4) - 0.25 * (v > tall - 0.35))[..., None]
        paint = _mix(paint, color * 0.3 + 0.55 * color.max(), frame * 0.75)
        pane = _mix(_rgb((0.15, 0.19, 0.25)), self.haze * 0.75, np.clip(0.3 + 0.2 * room, 0, 0.8))
        pane = np.where((room > 2.2 - 3.5 * self.mood.lit)[..., None], _rgb((1.35, 1.05, 0.6)), pane)
        alpha = np.clip((tall - v) / soft + 0.5, 0, 1) * np.clip(v / soft + 0.5, 0, 1)
        self.paint(alpha, _mix(paint, pane, glass), BUILDING, z, (int(rows[0]), left))

    def outline(self, points: list[tuple[float, float]]) -> tuple[np.ndarray, tuple[int, int]]:
        """Alpha (h, w) of a polygon given in pixels (column, row), and the (row, column) of its corner."""
        left, top = np.floor(np.clip(np.min(points, axis=0), -20, 340)).astype(int)
        right, bottom = np.ceil(np.clip(np.max(points, axis=0), -20, 340)).astype(int) + 1
        image = Image.new("L", (3 * (right - left), 3 * (bottom - top)))
        ImageDraw.Draw(image).polygon([(3 * (x - left), 3 * (y - top)) for x, y in points], fill=255)
        return np.asarray(image.reduce(3), np.float32) / 255, (int(top), int(left))

    def tree(self, x: float, z: float, tall: float, shape: str) -> None:
        """A crown as a lumpy body in relief, lit from the sun's side; shape: "fir" or a key of CROWNS."""
        rng, size = self.rng, tall * self.focal / z
        (column, row), half = self.project(x, 0, z), max(int(size * 0.55), 3)
        v, u = np.mgrid[int(size * 1.08) + 2 : -2 : -1, -half : half + 1].astype(np.float32) / size
        at = (int(row) - v.shape[0] + 2, int(column) - half)
        color, grade = _rgb(LEAVES[rng.choice(len(LEAVES), p=(0.32, 0.28, 0.2, 0.14, 0.06))]), min(size, 90)
        leaf = read(self.grain, u * grade + rng.integers(TILE), v * grade + rng.integers(TILE))
        if shape == "fir":
            body = 0.27 * (1.02 - v) * (0.62 + 0.5 * (1 - v * 9 % 1)) * (v > 0.08)
            body = np.where(body > np.abs(u), body * body - u * u, -0.02) + 0.002 * leaf * (1.05 - v)
        else:
            middle, broad, high, count = CROWNS[shape]
            body = np.full_like(u, -0.05)
            for _ in range(count):
                angle, far = rng.uniform(0, 2 * np.pi), np.sqrt(rng.random())
                radius = np.sqrt(broad * high) * rng.uniform(0.4, 0.62)
                away = (u - broad * far * np.cos(angle)) ** 2 + (v - middle - high * far * np.sin(angle)) ** 2
                np.maximum(body, radius * radius - away, out=body)
            body += 0.0035 * leaf
        if shape != "bush":
            bark = _rgb((0.27, 0.20, 0.14)) * (1 + 0.15 * leaf)[..., None]
            self.paint(_band(u, -0.026, 0.026, 1 / size) * (v < 0.5) * (v > 0), bark, TREE, z, at)
        down, right = np.gradient((np.sqrt(np.maximum(body, 0)) + 0.006 * leaf) * size)
        lit = (self.sun * right * 0.55 + down * 0.65 + 0.5) / np.sqrt(right**2 + down**2 + 1)
        tone = 0.66 + (0.5 + 0.9 * self.mood.shadow) * np.clip(lit, -0.3, 1) + 0.11 * leaf
        alpha = np.clip(body * size * 3 + 0.5, 0, 1) * np.clip(v * size + 0.5, 0, 1)
        self.paint(alpha, color * np.clip(tone, 0.25, 2)[..., None], TREE, z, at)

    def sprite(self, x: float, z: float, name: str) -> None:
        """One of SPRITES on the ground at (x, z); mirrored by chance."""
        rng, (tall, wide, shapes) = self.rng, SPRITES[name]
        column, row = self.project(x, 0, z)
        high, broad = (max(int(size * self.focal / z + 0.5), 2) for size in (tall, wide))
        keys = KEYS | {key: PAINTS[rng.integers(len(PAINTS))] for key in "ab"}
        image = Image.new("RGBA", (4 * broad, 4 * high))
        draw = ImageDraw.Draw(image)
        for shape in shapes.split("|"):
            form, key, *numbers = shape.split()
            spots = [int(n) / 100 * image.size[i % 2] for i, n in enumerate(numbers)]
            fill = (*(round(c * 255) for c in keys[key]), 255)
            {"P": draw.polygon, "O": draw.ellipse, "B": draw.rectangle}[form](spots, fill=fill)
        pixels = np.asarray(image.reduce(4), np.float32)[:, :: rng.choice((-1, 1))] / 255
        body = pixels[..., :3] * np.linspace(1.12, 0.78, high, dtype=np.float32)[:, None, None]
        self.paint(pixels[..., 3], body, OBJECT, z, (int(row + 1) - high, int(column - broad / 2)))

    def shadow(self, x: float, z: float, wide: float) -> None:
        """Darken an ellipse of ground about `wide` metres across, away from the sun."""
        near, far = (self.project(0, 0, max(z + d * (0.3 * wide + 0.2), 1.5))[1] for d in (-1, 1))
        rows = np.s_[max(int(far), 0) : max(int(near) + 2, 0)]
        depth = (self.z[rows] - z) / (0.3 * wide + 0.2)
        across = (self.ground_x[rows] - x - self.sun * 0.3 * wide) / (0.65 * wide)
        alpha = np.clip(1.5 - 1.5 * (depth**2 + across**2), 0, 1) * self.mood.shadow * 1.1 * self.ground[rows]
        self.paint(alpha, _rgb((0.03, 0.04, 0.08)), None, 0.0, (rows.start, 0))
