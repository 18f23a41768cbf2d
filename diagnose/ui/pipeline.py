"""The tab "Training Pipeline": a config in, a training that is watched, fixed, continued, and listened to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from diagnose.clean import markdown
from diagnose.errors import TtsdocError
from diagnose.files import inside, write_whole
from diagnose.finding import Diagnosis
from diagnose.plan import Plan
from diagnose.project import config_file
from diagnose.ui.followed import Followed, Gallery, sounds_of
from diagnose.ui.trainings import Training, Trainings, free, last_words
from diagnose.ui.views import (
    answer_text,
    console_text,
    diff_text,
    figures,
    findings_text,
    fix_of,
    progress_text,
    sound_name,
    with_reasons,
)


def config_inside(root: Path, text: str) -> Path:
    """The config that a text box names: a file below `root`, or a shipped preset (`stable`). Raises TtsdocError."""
    name = text.strip()
    if name and "/" not in name and not (root / name).exists():
        preset = config_file(name)
        if preset.is_file() and preset.suffix == ".yaml" and preset.stem == name:
            return preset
    place = inside(root, text)
    if not place.is_file():
        raise TtsdocError(f"{name}: there is no such config below {root}")
    return place


SECONDS = 2.0
"""Between two looks of a page."""


@dataclass(frozen=True, eq=False)
class Pipeline:
    """The tab's dealings with the disk; one for all browsers."""

    root: Path
    trainings: Trainings
    gallery: Gallery

    def start(self, config: str) -> Training:
        """Start what the text box names. Raises TtsdocError."""
        return self.trainings.start(config_inside(self.root, config))

    def resume(self, name: str | None) -> Training:
        """Go on with a training that has ended. Raises TtsdocError."""
        training = self.known(name)
        diagnosis = self.followed(training).look()
        saved = [] if diagnosis is None else [one.file for one in diagnosis.facts.checkpoints]
        resumed = self.trainings.resume(training, saved[-1] if saved else None)
        self.gallery.forget(Path(training.folder))
        return resumed

    def restart_fixed(self, name: str | None, unsafe: bool) -> Training:
        """Stop the training, write the corrected config beside its folder, start with it. Raises TtsdocError."""
        training = self.known(name)
        made = fix_of(self.followed(training).look(), unsafe=unsafe)
        if not isinstance(made, Plan):
            raise TtsdocError(made)
        self.trainings.stop(training)
        folder = Path(training.folder)
        config = free(folder.with_name(f"{folder.name}-fixed{Path(made.source).suffix or '.yaml'}"))
        write_whole(config, made.after.encode("utf-8"))
        return self.trainings.start(config)

    def known(self, name: str | None) -> Training:
        """The training that is shown. Raises TtsdocError where there is none."""
        training = self.trainings.named(name)
        if training is None:
            raise TtsdocError("no training was started yet")
        return training

    def followed(self, training: Training) -> Followed:
        """Its log."""
        return self.gallery.of(Path(training.folder))

    def state(self, training: Training | None) -> str:
        """One line of Markdown: does it run, how far is it."""
        if training is None:
            return "No training was started yet: give a config (or `stable`) and press Start."
        status = self.trainings.status(training)
        ended = "has ended" if status in (None, 0) else f"has ended with status {status}"
        running = self.trainings.running(training)
        line = f"**{markdown(training.name)}** {'is running' if running else ended}"
        progress = progress_text(self.followed(training).diagnosis, running=running)
        return f"{line} · {progress}" if progress else line


def pipeline_tab(pipeline: Pipeline) -> None:
    """Make the tab and connect it. Must be called inside a `gr.Tabs`."""
    with gr.Tab("Training Pipeline"):
        shown = gr.State("")
        with gr.Row(equal_height=True):
            config = gr.Textbox(_first_config(pipeline.root), label="Config path", scale=4, elem_id="config")
            start = gr.Button("Start Training", variant="primary", elem_id="start")
            stop = gr.Button("Stop Training", variant="stop", elem_id="stop")
            resume = gr.Button("Resume", elem_id="resume")
        choice = gr.Dropdown(label="Training", choices=[], elem_id="training")
        state = gr.Markdown(elem_id="state")
        answer = gr.Markdown(elem_id="answer")
        with gr.Row():
            with gr.Column(scale=3, min_width=320):
                chart = gr.Plot(label="Loss", elem_id="chart")
            with gr.Column(scale=1, min_width=280):
                sample = gr.Dropdown(label="Sample to listen to", choices=[], elem_id="sample")
                player = gr.Audio(label="Sample", interactive=False, elem_id="player")
        findings = gr.Markdown(elem_id="findings")
        with gr.Accordion("The fix", open=True):
            diff = gr.Code(label="What would change in the config", interactive=False, lines=1, elem_id="diff")
            unsafe = gr.Checkbox(label="Include changes that are not safe to make without thought")
            apply = gr.Button("Apply the fix and restart", elem_id="apply-fix")
        with gr.Accordion("What the trainer prints", open=False):
            console = gr.Code(label="Output", interactive=False, lines=1, elem_id="console")
        views = _Views(pipeline)
        outputs = [shown, choice, state, answer, chart, findings, diff, console, sample, stop, resume, apply]
        seen = [choice, shown, unsafe, sample]
        start.click(views.selecting(pipeline.start), [config], [choice, shown]).then(views.refresh, seen, outputs)
        stop.click(views.stopped, [choice], None).then(views.refresh, seen, outputs)
        resume.click(views.selecting(pipeline.resume), [choice], [choice, shown]).then(views.refresh, seen, outputs)
        apply.click(views.selecting(pipeline.restart_fixed), [choice, unsafe], [choice, shown]).then(
            views.refresh, seen, outputs
        )
        # `input`, not `change`: what the page itself selects is no wish of the user.
        choice.input(lambda: "", None, shown).then(views.refresh, seen, outputs)
        unsafe.input(lambda: "", None, shown).then(views.refresh, seen, outputs)
        sample.change(views.sound, [choice, sample], player)
        gr.Timer(SECONDS).tick(views.refresh, seen, outputs, show_progress="hidden")


def _first_config(root: Path) -> str:
    """What the text box holds at first: a config from one of the usual places, else the shipped one."""
    places = [path for name in ("config", "configs", ".") for path in sorted((root / name).glob("*.yaml"))]
    return str(places[0].relative_to(root)) if places else "stable"


class _Views:
    """The events of the tab."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline

    def selecting(self, make: Callable[..., Training]) -> Callable[..., tuple[Any, str]]:
        """The training that `make` gives, chosen in the list, and a page that is to be drawn anew."""

        @with_reasons
        def made(*given: Any) -> tuple[Any, str]:
            training = make(*given)
            names = [one.name for one in self._pipeline.trainings.every()]
            return gr.update(choices=names, value=training.name), ""

        return made

    @with_reasons
    def stopped(self, name: str | None) -> None:
        """Ask the training that is shown to end."""
        self._pipeline.trainings.stop(self._pipeline.known(name))

    @with_reasons
    def sound(self, name: str | None, sample: str | None) -> bytes | None:
        """The chosen sample as a file's bytes."""
        training = self._pipeline.trainings.named(name)
        if training is None or not sample:
            return None
        sounds = sounds_of(self._pipeline.followed(training).diagnosis)
        chosen = next((sound for sound in sounds if sound_name(sound) == sample), None)
        return None if chosen is None else chosen.load()

    def refresh(self, name: str | None, shown: str, unsafe: bool, sample: str | None) -> list[Any]:
        """The page as it should be; what has not changed is left alone."""
        training = self._pipeline.trainings.named(name)
        followed = None if training is None else self._pipeline.followed(training)
        diagnosis = None if followed is None else followed.look()
        running = training is not None and self._pipeline.trainings.running(training)
        version = "" if training is None or followed is None else f"{training.name} {training.pid} {followed.version}"
        names = [one.name for one in self._pipeline.trainings.every()]
        always = [version, gr.update(choices=names, value=None if training is None else training.name)]
        always.append(self._pipeline.state(training))
        buttons = [gr.update(interactive=running), gr.update(interactive=training is not None and not running)]
        printed = console_text(last_words(training)) if training is not None else ""
        if version == shown and version:
            return [*always, *[gr.skip()] * 4, printed, gr.skip(), *buttons, gr.skip()]
        trouble = "" if followed is None or running else followed.trouble
        return [
            *always,
            answer_text(diagnosis, trouble) if training else "",
            next(iter(figures(diagnosis)), None),
            findings_text(diagnosis),
            diff_text(fix_of(diagnosis, unsafe=unsafe)),
            printed,
            _samples(diagnosis, sample),
            *buttons,
            gr.update(interactive=isinstance(fix_of(diagnosis, unsafe=True), Plan)),
        ]


def _samples(diagnosis: Diagnosis | None, chosen: str | None) -> Any:
    names = [sound_name(sound) for sound in sounds_of(diagnosis)]
    kept = chosen if chosen in names else (names[0] if names else None)
    return gr.update(choices=names, value=kept)
