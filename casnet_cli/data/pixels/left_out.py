"""Files of a folder that are pictures, and yet are not read: counted by reason, so that none is left out in silence."""

import os
from pathlib import Path

from casnet_cli.data.pixels.formats import FORMATS, HEAD, format_of
from casnet_cli.util.text import count

_OTHERS = """
    .psd .psb .xcf .kra .ora .ai .eps .svg .svgz .emf .wmf .cdr .heics .jxl .jls .jxr .wdp .hdp .jng .mng .flif .bpg
    .exr .hdr .dds .ktx .ktx2 .ico .cur .icns .pcx .dcx .sgi .rgb .rgba .bw .ras .sun .xbm .xpm .pict .pct .qoi .pam
    .pfm .fits .fit .fts .dng .cr2 .cr3 .crw .nef .nrw .arw .srf .sr2 .orf .rw2 .raf .pef .srw .x3f .3fr .iiq .erf
    .mef .mos .kdc .dcr .dcm .dicom .nii .mha .mhd .nrrd .ecw .sid .img .bil .bsq .bip .vrt .czi .lif .nd2 .oib .oif
    .svs .ndpi .scn .mrxs .vsi .lsm
"""
OTHER_PICTURES = frozenset(_OTHERS.split())
"""Endings of other programs' pictures, in small letters."""


class LeftOut:
    """Collects the files that a listing passes by, and says which of them are pictures."""

    def __init__(self) -> None:
        self._by_reason: dict[str, dict[Path, None]] = {}

    def add(self, file: Path) -> None:
        """Take note of a file that is not listed, if it is a picture."""
        if why := reason_of(file):
            self._by_reason.setdefault(why, {})[file] = None

    def sentences(self) -> list[str]:
        """For each reason one, such as `1 file left out: .psd is no kind of picture that casnet reads (a.psd)`."""
        found = []
        for why, files in sorted(self._by_reason.items()):
            first = min(map(str, files))
            others = f" and {count(len(files) - 1, 'other')}" if len(files) > 1 else ""
            found.append(f"{count(len(files), 'file')} left out: {why} ({first}{others})")
        return found


def reason_of(file: Path) -> str | None:
    """Why a file that is a picture, by its ending or without one by its content, is not read; None: it is none, or is.

    Only files without ending are opened.
    """
    ending = file.suffix.lower()
    if not ending:
        return _by_content(file)
    if ending in OTHER_PICTURES:
        return f"{ending} is no kind of picture that casnet reads"
    row = next((row for row in FORMATS.values() if ending in row.endings), None)
    return None if row is None or row.installed else f"{ending} needs {row.remedy}"


def _by_content(file: Path) -> str | None:
    try:
        if not os.path.isfile(file):
            return None
        with file.open("rb") as opened:
            row = format_of(opened.read(HEAD))
    except OSError:
        return None
    return f"no ending, but {row.name} by content: rename to NAME{row.endings[0]}" if row else None
