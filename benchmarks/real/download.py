"""Fetches the labelled logs from their public repositories, each at the commit that was labelled."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from urllib.error import URLError
from urllib.parse import quote
from urllib.request import urlopen

import yaml

from benchmarks.real.corpus import LABELS
from diagnose.files import write_whole

ADDRESS = "https://raw.githubusercontent.com/{repo}/{commit}/{path}"


def download(raw: Path) -> None:
    """Every file that is not below `raw` yet. What is gone, or is not what was labelled, is said and left out."""
    for row in yaml.load(LABELS.read_text("utf-8"), yaml.CSafeLoader):
        for name, file in row["files"].items():
            place = raw / row["id"] / name
            if place.exists():
                continue
            address = ADDRESS.format(repo=row["repo"], commit=row["commit"], path=quote(file["path"]))
            try:
                with urlopen(address, timeout=60) as answer:
                    content = answer.read()
            except (URLError, OSError) as error:
                print(f"{row['id']}: {error}", file=sys.stderr)
                continue
            if hashlib.sha256(content).hexdigest() != file["sha256"]:
                print(f"{row['id']}: {address} is not the file that was labelled", file=sys.stderr)
                continue
            place.parent.mkdir(parents=True, exist_ok=True)
            write_whole(place, content)
