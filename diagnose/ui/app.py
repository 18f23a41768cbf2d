"""The page and its server."""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from diagnose.errors import TtsdocError
from diagnose.ui.guard import LOOPBACK, Guard


def tabs(root: Path, command: Sequence[str] | None) -> None:
    """Add all tabs to the `gr.Tabs` that is open. Raises TtsdocError where gradio is missing or `root` no folder."""
    _need_gradio()
    from diagnose.ui.data import data_tab
    from diagnose.ui.folder import folder_tab
    from diagnose.ui.followed import Gallery
    from diagnose.ui.pipeline import Pipeline, pipeline_tab
    from diagnose.ui.trainings import Trainings

    root = root.resolve()
    if not root.is_dir():
        raise TtsdocError(f"{root}: no folder")
    pipeline_tab(Pipeline(root, Trainings(root, command), Gallery()))
    folder_tab(root)
    data_tab(root)


def page(root: Path, command: Sequence[str] | None = None) -> Any:
    """The whole page, a `gr.Blocks`. Raises TtsdocError."""
    _need_gradio()
    import gradio as gr

    with gr.Blocks(title="ttsdoc", analytics_enabled=False, fill_width=True) as blocks:
        gr.Markdown(f"# ttsdoc\nTrainings below `{root.resolve()}`")
        with gr.Tabs():
            tabs(root, command)
    return blocks


def serve(
    root: Path, command: Sequence[str] | None, *, host: str, port: int, token: str | None, say: Callable[[str], None]
) -> None:
    """Serve the page until Ctrl-C; `say` gets its address. Beyond this machine a token is made where none is given.

    Raises TtsdocError where gradio is missing or the port is taken.
    """
    blocks = page(root, command)
    import uvicorn

    local = host in LOOPBACK
    token = token or (None if local else secrets.token_urlsafe(24))
    listener = _listening(host, port)
    everywhere = host in ("0.0.0.0", "::")  # noqa: S104 - what the user has asked for
    shown = "localhost" if local else socket.gethostname() if everywhere else host
    say(f"http://{shown}:{listener.getsockname()[1]}/" + (f"?token={token}" if token else ""))
    app = guarded(blocks, hosts=LOOPBACK if local else (), token=token)
    # Open browsers hold connections for ever; Ctrl-C must not wait for them.
    config = uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=1)
    uvicorn.Server(config).run(sockets=[listener])


def guarded(blocks: Any, *, hosts: Sequence[str], token: str | None) -> Guard:
    """The page as an ASGI application behind its guard."""
    import gradio as gr
    from fastapi import FastAPI

    # The usual fonts are fetched from Google.
    theme: Any = gr.themes.Default(font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"])
    app = gr.mount_gradio_app(
        FastAPI(),
        blocks,
        path="/",
        allowed_paths=[],
        blocked_paths=[str(Path.cwd())],
        footer_links=[],
        ssr_mode=False,
        mcp_server=False,
        enable_monitoring=False,
        theme=theme,
    )
    return Guard(app, hosts=hosts, token=token)


def _need_gradio() -> None:
    from importlib.util import find_spec

    missing = [name for name in ("gradio", "plotly") if find_spec(name) is None]
    if missing:
        raise TtsdocError(f"the page needs {' and '.join(missing)}: pip install 'ttsdoc[ui]'")
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")


def _listening(host: str, port: int) -> socket.socket:
    """A socket that waits on the port. Raises TtsdocError where it is taken."""
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        raise TtsdocError(f"{host}:{port}: {error.strerror or error}; choose another --port") from error
    listener.listen(64)
    return listener
