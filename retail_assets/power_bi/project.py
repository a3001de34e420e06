"""A Power BI project as a folder: what Desktop opens (`.pbip`), its semantic model and its report."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from tempfile import mkdtemp
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from retail_assets.errors import UserError
from retail_assets.power_bi.model import Model
from retail_assets.power_bi.report import SCHEMAS, read_pages, report_of
from retail_assets.power_bi.tmdl import tmdl_of

NAME = "retail_assets"
_FABRIC = SCHEMAS.removesuffix("/item/report")
_MODEL, _REPORT = f"{NAME}.SemanticModel", f"{NAME}.Report"


def files_of(model: Model, folder: str) -> Mapping[str, str]:
    """All files of a project, by their names in its folder; `folder` is where the extracts are.

    The same bytes for the same model.
    """
    files: dict[str, Any] = {
        f"{NAME}.pbip": {
            "$schema": f"{_FABRIC}/pbip/pbipProperties/1.0.0/schema.json",
            "version": "1.0",
            "artifacts": [{"report": {"path": _REPORT}}],
            "settings": {"enableAutoRecovery": True},
        },
        f"{_MODEL}/.platform": _platform("SemanticModel"),
        f"{_MODEL}/definition.pbism": {
            "$schema": f"{_FABRIC}/item/semanticModel/definitionProperties/1.0.0/schema.json",
            "version": "4.2",
        },
        f"{_REPORT}/.platform": _platform("Report"),
        f"{_REPORT}/definition.pbir": {
            "$schema": f"{SCHEMAS}/definitionProperties/2.0.0/schema.json",
            "version": "4.0",
            "datasetReference": {"byPath": {"path": f"../{_MODEL}"}},
        },
    }
    for name, content in report_of(model, read_pages()).items():
        files[f"{_REPORT}/definition/{name}"] = content
    written = {name: json.dumps(each, indent=2, ensure_ascii=False) + "\n" for name, each in files.items()}
    return written | {f"{_MODEL}/definition/{name}": text for name, text in tmdl_of(model, folder).items()}


def write_project(place: Path, files: Mapping[str, str]) -> None:
    """Write a project into a folder that is new, empty, or has one of these already.

    Raises `UserError` if something else is there.
    """
    if place.exists() and not place.is_dir():
        raise UserError(f"{place} is a file. Name a folder.")
    if place.is_dir() and any(place.iterdir()) and not (place / f"{NAME}.pbip").is_file():
        raise UserError(f"{place} has other files. Name a new folder, or one with {NAME}.pbip.")
    place.mkdir(parents=True, exist_ok=True)
    made = Path(mkdtemp(dir=place, prefix=".unfinished-"))
    try:
        for name, text in files.items():
            path = made / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
        # What Desktop opens comes last. Its own folders (.pbi: a cache and local settings) go with the parts.
        for name in (_MODEL, _REPORT, f"{NAME}.pbip"):
            former = place / name
            if former.is_dir():
                shutil.rmtree(former)
            (made / name).replace(former)
    finally:
        shutil.rmtree(made)


def _platform(type: str) -> dict[str, Any]:
    return {
        "$schema": f"{_FABRIC}/gitIntegration/platformProperties/2.1.0/schema.json",
        "metadata": {"type": type, "displayName": NAME},
        "config": {"version": "2.0", "logicalId": str(uuid5(NAMESPACE_URL, f"{NAME}/{type}"))},
    }
