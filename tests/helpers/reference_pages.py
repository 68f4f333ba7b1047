"""The pages of docs/reference/ that are made from the code, and the tables of files.md.

python tests/helpers/reference_pages.py      # writes them anew
"""

import ast
import inspect
import re
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import typer

from casnet_cli.commands import help_page
from casnet_cli.util.toml_text import toml

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "docs" / "reference"
MADE = "<!-- Made by tests/helpers/reference_pages.py: change the code, then run it. -->"


def pages() -> dict[Path, str]:
    """Every page that is wholly or partly made, as it should be."""
    files = REFERENCE / "files.md"
    return {
        REFERENCE / "cli.md": cli_page(),
        REFERENCE / "recipes.md": recipes_page(),
        REFERENCE / "pictures.md": pictures_page(),
        files: with_tables(files.read_text(encoding="utf-8")),
    }


# cli.md


def cli_page() -> str:
    """Every command with its arguments and options, as `casnet --help` names them."""
    from casnet_cli.cli import app

    top = typer.main.get_command(app)
    parts = [
        "# Commands",
        MADE,
        "`casnet COMMAND --help` prints the same. `-q` and `-v` may also stand behind the command. What each of them "
        "writes, and the exit codes: [files](files.md).",
        _options(top, "casnet"),
    ]
    for name, command in vars(top)["commands"].items():
        parts.append(f"## casnet {name}")
        parts += _command(name, command)
    return "\n\n".join(part for part in parts if part) + "\n"


def _command(name: str, command: Any) -> Iterator[str]:
    context = typer.Context(command, info_name=name)
    arguments = [each for each in command.params if each.param_type_name == "argument"]
    inner = getattr(command, "commands", {})
    yield f"```text\ncasnet {name} {help_page.usage(command, context)}\n```"
    yield inspect.cleandoc(command.help or "")
    if command.epilog:
        yield f"```text\n{command.epilog}\n```"
    if arguments:
        rows = [f"| `{help_page.placeholder(each, context)}` | {_cell(each.help or '')} |" for each in arguments]
        yield "\n".join(["| argument | what it is |", "|---|---|", *rows])
    if not inner:
        yield _options(command, name)
    for below, its in inner.items():
        yield f"### casnet {name} {below}"
        yield from _command(f"{name} {below}", its)


def _options(command: Any, name: str) -> str:
    context = typer.Context(command, info_name=name)
    options = [each for each in command.params if each.param_type_name == "option" and not each.hidden]
    rows = [
        f"| `{_cell(help_page.spelling(each, context))}` | {_cell(help_page.description(each, context))} |"
        for each in options
        if each.name != "help"
    ]
    return "\n".join(["| option | what it does |", "|---|---|", *rows]) if rows else ""


# recipes.md


def recipes_page() -> str:
    """The shipped recipes, and every setting with its values and default."""
    from casnet_cli import recipe

    shipped = []
    for name in recipe.names():
        first = recipe.find(name).read_text(encoding="utf-8").splitlines()[0]
        shipped.append(f"| `{name}` | {_cell(first.lstrip('# '))} |")
    parts = [
        "# Recipes",
        MADE,
        "A recipe is a TOML file of seven sections. `casnet recipe show NAME` prints a shipped one, `casnet recipe "
        "copy NAME FILE` makes it yours, and `--set section.key=value` changes a setting for one call. A setting that "
        "is not named has the default below. Unknown keys and values out of range are refused before any work, all at "
        "once. "
        "How to choose: [training](../guides/training.md).",
        "\n".join(["| shipped recipe | for |", "|---|---|", *shipped]),
    ]
    for section, schema in recipe.SECTIONS.items():
        rows = [
            f"| `{section}.{key}` | {_kind(field.annotation, field.metadata)} | `{toml(field.default)}` "
            f"| {_cell(_docstrings(schema).get(key, ''))} |"
            for key, field in schema.model_fields.items()
        ]
        about = inspect.cleandoc(schema.__doc__ or "")
        table = "\n".join(["| setting | values | default | what it does |", "|---|---|---|---|", *rows])
        parts += [f"## {section}", about, table]
    return "\n\n".join(parts) + "\n"


# pictures.md


def pictures_page() -> str:
    """The formats of pictures and masks, what is read of each, and what is decided where a file leaves it open."""
    from casnet_cli.data.pixels.formats import FORMATS

    rows = []
    for row in FORMATS.values():
        endings = " ".join(f"`{ending}`" for ending in row.endings)
        extra = f"; with the extra `{row.extra}`" if row.extra else ""
        rows.append(f"| {row.name} | {endings} | {_cell(row.reads)}{extra} |")
    table = "\n".join(["| format | endings | what is read |", "|---|---|---|", *rows])
    parts = ["# Pictures and masks", MADE, _ABOUT_PICTURES, table, _OF_PICTURES, _picture_limits()]
    return "\n\n".join(parts) + "\n"


_ABOUT_PICTURES = """Pictures and masks are read as they are stored: `casnet info FILE` shows what one holds.

<!-- test: demo -->
```console
$ casnet info scenes/photo-00.jpg
picture: scenes/photo-00.jpg
format: JPEG
…
```

Besides size, bits, type and bands it names pages, orientation, colour profile, the value for no data, the palette, the
place on the earth, the range of each band, and of few values or colours how many pixels have each; `--json FILE` writes
the same for a program.

`predict`, `rank`, `prepare`, `check` and `--propose` take the files with these endings, in large or small letters.
Other files that are pictures, by their ending or without one by their content, are left out, counted and named. A file
is opened by what it holds, and only in these formats: no program is started to read one, and no other file or address
that it names is opened. What a library says against a file is one line with its name."""

_OF_PICTURES = """## Where a file leaves it open

| what | how it is read |
|---|---|
| a fourth channel, marked as alpha | alpha if three in four of its values beside 0 are full, else a band; said |
| three bands without names | red, green and blue; said |
| four and more | by their names in the file, else `band 1`, `band 2`, … |
| the alpha channel of a PNG, WebP or other file | transparency: pictures are laid on white; said |
| one transparent colour of a PNG | an alpha channel |
| 1, 2 and 4 bits | 0 to 1, 3 and 15, as stored, in masks; stretched to 0 to 255 in pictures |
| 0 as the brightest value | as stored in masks; turned over in pictures |
| several pages or frames | the first; smaller copies of it and its mask do not count as pages; said |
| colour profiles (ICC) | pictures of 8 bits are converted to sRGB, by the relative colorimetric intent; masks are not |
| CMYK | converted to RGB by the profile, else by the usual formula; Adobe's inverted values are turned over |
| signed values, floating point, 64 bits | as stored |
| a `.npy` array whose first side is no larger than its last | bands last if the run has so many, else refused |"""


def _picture_limits() -> str:
    """The table of what outside files may claim."""
    from casnet_cli.data import limits

    million, gibibytes = 1_000_000, limits.EXTRA_BYTES >> 30
    rows = {
        "pixels of a picture or mask": f"{limits.MAX_PIXELS // million:,} million; a GeoTIFF or JPEG 2000 file of more "
        "is [read by windows](../guides/aerial.md)",
        "bytes of its values": f"{limits.MAX_BYTES // million:,} million",
        "bands": f"{limits.MAX_BANDS:,}",
        "bytes of a file beside the values of its picture": f"{gibibytes} GiB",
        "what the first page of a TIFF needs beside its picture, for one tile or for slices": f"{gibibytes} GiB",
        "pixels of a tile whose data have a size of their own": "those of its place",
        "pixels of a picture that is read by windows, for each byte of its file": f"{limits.MAX_PIXELS_A_BYTE:,} above "
        f"{limits.MAX_PIXELS // million:,} million",
        "bytes of standard input": f"{gibibytes} GiB",
        "pixels of a label or outlines": f"{limits.MAX_PIXELS // million:,} million, and those of their picture, "
        "compared before they are made",
        "a coordinate of an outline": f"{limits.MAX_COORDINATE:,.0f} pixels",
        "length of an outline": f"{limits.MAX_STEPS:,} pixels",
        "pixels of a frame of a video": f"{limits.MAX_FRAME_PIXELS // million:,} million",
        "a picture for `casnet serve`": f"{limits.SERVED_BYTES >> 20} MiB, {limits.SERVED_PIXELS // million} million "
        "pixels",
    }
    about = "A file that claims more is refused in one line before it is decoded, by what its header says."
    table = "\n".join(["| what | at most |", "|---|---|", *(f"| {what} | {most} |" for what, most in rows.items())])
    return f"## Limits\n\n{about}\n\n{table}"


# files.md


def with_tables(page: str) -> str:
    """The page with the tables between `<!-- keys: NAME -->` and `<!-- end -->` made from the models of the files."""
    from casnet_cli.data.project import Project
    from casnet_cli.runs.records import RECORDS

    models = {**RECORDS, "casnet.toml": Project}

    def table(found: re.Match[str]) -> str:
        tables = _tables(models[found[1]])
        if found[1].endswith(".toml"):  # there a key is left out in place of null
            tables = tables.replace(" or null |", " |")
        return f"<!-- keys: {found[1]} -->\n{tables}\n<!-- end -->"

    return re.sub(r"<!-- keys: (\S+) -->\n.*?<!-- end -->", table, page, flags=re.S)


def _tables(record: Any) -> str:
    """A table of the keys, and one for each object among their values, each kind of object once."""
    parts, waiting, places = [], [record], {record: [""]}
    while waiting:
        each = waiting.pop(0)
        heads = places[each]
        rows = []
        for name, field in each.model_fields.items():
            key, kind = field.alias or name, _strip(field.annotation)
            for inner, suffix in _objects(kind):
                if inner not in places:
                    waiting.append(inner)
                places.setdefault(inner, [])
                places[inner] += [f"{head}{'.' if head else ''}{key}{suffix}" for head in heads]
            rows.append(f"| `{key}` | {_kind(kind)} | {_cell(field.description or '')} |")
        if each is not record:
            where = list(dict.fromkeys(places[each]))
            shown = ", ".join(f"`{place}`" for place in where[:6])
            parts.append(f"In {shown}{' and the like' if len(where) > 6 else ''}:")
        parts.append("\n".join(["| key | value | what it is |", "|---|---|---|", *rows]))
    return "\n\n".join(parts)


def _strip(annotation: Any) -> Any:
    return _strip(get_args(annotation)[0]) if get_origin(annotation) is Annotated else annotation


def _objects(annotation: Any) -> Iterator[tuple[Any, str]]:
    """Models inside an annotation, with what follows the key: nothing, `[]` for a list, `.*` for names."""
    annotation = _strip(annotation)
    suffix = {list: "[]", dict: ".*"}.get(get_origin(annotation), "")  # type: ignore[arg-type]
    for inner in get_args(annotation):
        if get_origin(annotation) is not Literal:
            yield from ((model, suffix + more) for model, more in _objects(inner))
    if hasattr(annotation, "model_fields") and not get_args(annotation):
        yield annotation, ""


# Words for types

_NAMES = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "`true` or `false`",
    object: "any",
    type(None): "null",
}


def _kind(annotation: Any, metadata: list[Any] | None = None) -> str:
    """A type in words: `number or null`, `list of text`, with the limits of a setting."""
    limits = " and ".join(f"{word} {value:,}" for word, value in _limits(metadata or []))
    return _words(annotation) + (f", {limits}" if limits else "")


def _words(annotation: Any) -> str:
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _kind(inner[0], list(inner[1:]))
    if origin is Literal:
        return ", ".join(f"`{toml(value) if not isinstance(value, str) else value}`" for value in inner)
    if origin in (Union, UnionType):
        return " or ".join(dict.fromkeys(_words(each) for each in inner))
    if origin is list:
        return f"list of {_plural(_words(inner[0]))}"
    if origin is tuple:
        each = _plural(_words(inner[0]))
        return f"list of {each}" if inner[-1] is Ellipsis else f"list of {len(inner)} {each}"
    if origin is dict:
        return f"object, each {_words(inner[1])}"
    return _NAMES.get(annotation, "object")


def _plural(words: str) -> str:
    """`number, above 0` → `numbers, above 0`."""
    first, *rest = re.split(r"(?=, | or )", words)
    return "".join([first if first == "text" or first.startswith("`") else f"{first}s", *rest])


def _limits(metadata: list[Any]) -> Iterator[tuple[str, float]]:
    for each in metadata:
        inner = getattr(each, "metadata", None)
        if inner:
            yield from _limits(inner)
        for name, word in (("ge", "at least"), ("gt", "above"), ("le", "at most"), ("lt", "below")):
            if getattr(each, name, None) is not None:
                yield word, getattr(each, name)


def _docstrings(schema: type) -> dict[str, str]:
    """The text under each field of a class, read from its source."""
    (body,) = ast.parse(textwrap.dedent(inspect.getsource(schema))).body
    found = {}
    for field, text in zip(body.body, body.body[1:], strict=False):  # type: ignore[attr-defined]
        if isinstance(field, ast.AnnAssign) and isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant):
            found[field.target.id] = inspect.cleandoc(str(text.value.value))  # type: ignore[union-attr]
    return found


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    for path, text in pages().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            sys.stdout.write(f"wrote {path.relative_to(ROOT)}\n")
