"""The page in a browser: start, watch, stop and fix a training, judge any folder, make data sets.

``build_tab()`` puts the same tabs into a gradio app of your own:

    import gradio as gr
    from diagnose.ui import build_tab

    with gr.Blocks() as app, gr.Tabs():
        build_tab()
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


def build_tab(root: str | Path = ".", command: Sequence[str] | None = None) -> None:
    """Add the tabs "Training Pipeline", "Judge a folder" and "Data" to the `gr.Tabs` that is open.

    `root`: the only folder whose files the page may name. `command`: how to train, with `{config}`, `{log_dir}` and
    `{resume}`; None: the bundled trainer. Raises TtsdocError where gradio is missing.
    """
    from diagnose.ui.app import tabs

    tabs(Path(root), command)
