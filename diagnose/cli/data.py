"""`ttsdoc data`: make, import, merge, split, enlarge and judge data sets. Heavy imports wait for the command."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from diagnose.clean import plain
from diagnose.cli.options import ExitZero, TextOrJson, TextOrJsonFormat, answer, finite, tell
from diagnose.data.choices import HARMLESS, Change, Voice

if TYPE_CHECKING:
    from diagnose.data.ljspeech import Rejected

app = typer.Typer(help="Make, import, merge, split, enlarge and judge data sets.", no_args_is_help=True)

Out = Annotated[Path, typer.Option("--out", "-o", help="The folder to write, in the LJSpeech layout.")]
Force = Annotated[bool, typer.Option("--force", help="Replace what is there.")]
Seed = Annotated[int, typer.Option(help="Random seed: the same seed gives the same result.")]
Rate = Annotated[int, typer.Option(min=8000, max=192_000, help="Sample rate to write, Hz.")]
AnyRate = Annotated[
    int | None, typer.Option(min=8000, max=192_000, help="Sample rate to write, Hz. [default: what most clips have]")
]
REJECTED_SHOWN = 5


def register(root: typer.Typer) -> None:
    """Add the group `data` to the command line."""
    root.add_typer(app, name="data")


@app.command()
def demo(
    out: Annotated[Path, typer.Argument(help="The folder to write, in the LJSpeech layout.")] = Path("demo-data"),
    clips: Annotated[int, typer.Option(min=1, help="How many sentences.")] = 525,
    language: Annotated[str, typer.Option(help="am (Amharic) or en (English).")] = "am",
    voice: Annotated[Voice, typer.Option(help="auto: espeak-ng where it is installed.")] = Voice.AUTO,
    seed: Seed = 0,
    force: Force = False,
) -> None:
    """Synthesise a demo data set: training needs no download."""
    from diagnose.data.demo import make

    made = make(out, clips=clips, seed=seed, language=language, voice=voice, force=force)
    spoken_by = "espeak-ng" if made.voice is Voice.ESPEAK else "the built-in voice"
    _done(f"{made.clips:,} clips, {made.minutes:.1f} min, spoken by {spoken_by}", out)


@app.command("import-srt")
def import_srt(
    subtitles: Annotated[list[Path], typer.Argument(help="SRT or VTT files; each beside its recording.")],
    out: Out,
    audio: Annotated[
        Path | None, typer.Option(help="The recording (video with ffmpeg), where it has another name.")
    ] = None,
    shortest: Annotated[
        float, typer.Option("--min-seconds", min=0.1, callback=finite, help="Shorter clips are rejected.")
    ] = 1.0,
    longest: Annotated[
        float, typer.Option("--max-seconds", min=0.5, callback=finite, help="Longer clips are rejected.")
    ] = 15.0,
    encoding: Annotated[str | None, typer.Option(help="Of the subtitles, where it is not UTF-8.")] = None,
    rate: Rate = 22_050,
    force: Force = False,
) -> None:
    """Cut recordings at their subtitles into clips.

    One clip a sentence, silence trimmed, doubtful ones rejected.
    """
    from diagnose.data.import_srt import import_srt as take
    from diagnose.data.segments import Bounds

    bounds = Bounds(shortest, longest)
    taken = take(subtitles, out, recording=audio, bounds=bounds, encoding=encoding, rate=rate, force=force)
    for path, used in taken.encodings:
        if used == "windows-1252":
            tell(f"{path} is not UTF-8 and was read as Windows-1252; if letters are wrong, name its --encoding")
    _warn_of_rejected(taken.rejected, out)
    _done(f"{taken.clips:,} clips, {taken.minutes:.1f} min", out)


@app.command()
def merge(
    sets: Annotated[list[Path], typer.Argument(help="Folders in the LJSpeech layout, or lists.")],
    out: Out,
    rate: AnyRate = None,
    force: Force = False,
) -> None:
    """Make one data set of several, all clips at one sample rate."""
    from diagnose.data.merge import merge as join

    merged = join(sets, out, rate=rate, force=force)
    _warn_of_rejected(merged.rejected, out)
    renamed = f", {merged.renamed:,} renamed because their ids were taken" if merged.renamed else ""
    _done(f"{merged.clips:,} clips, {merged.minutes:.1f} min at {merged.rate:,} Hz{renamed}", out)


@app.command()
def split(
    folder: Annotated[Path, typer.Argument(help="A folder in the LJSpeech layout.")],
    validation: Annotated[
        float, typer.Option(min=0, callback=finite, max=0.9, help="Share held out for validation.")
    ] = 0.10,
    test: Annotated[float, typer.Option(min=0, callback=finite, max=0.9, help="Share held out for the test.")] = 0.05,
    mix_speakers: Annotated[bool, typer.Option("--mix-speakers", help="Let a speaker be on every side.")] = False,
    seed: Seed = 0,
    force: Force = False,
) -> None:
    """Hold clips out for validation and test.

    The lists share no text and, where known, no speaker.
    """
    from diagnose.data.split import Shares
    from diagnose.data.split import split as divide

    shares = Shares(validation, test)
    divided = divide(folder, shares=shares, seed=seed, mix_speakers=mix_speakers, force=force)
    if divided.note:
        tell(divided.note)
    for side, path in divided.lists.items():
        share = divided.clips[side] / sum(divided.clips.values())
        print(plain(f"{divided.clips[side]:6,} clips ({share:.0%}) for {side.value:5}  {path}"))


@app.command()
def augment(
    folder: Annotated[Path, typer.Argument(help="A folder in the LJSpeech layout.")],
    out: Out,
    kinds: Annotated[
        list[Change] | None, typer.Option("--with", help="Which changes; a model learns to speak with noise and pitch.")
    ] = None,
    copies: Annotated[int, typer.Option(min=1, max=20, help="Changed copies of each training clip.")] = 1,
    seed: Seed = 0,
    force: Force = False,
) -> None:
    """Copy a data set and add changed copies of its clips.

    Of training clips only; gain and speed, unless asked otherwise.
    """
    from diagnose.data.augment import augment as enlarge

    made = enlarge(folder, out, changes=kinds or HARMLESS, copies=copies, seed=seed, force=force)
    _warn_of_rejected(made.rejected, out)
    _done(f"{made.originals:,} clips and {made.made:,} changed copies, {made.minutes:.1f} min", out)


@app.command()
def stats(
    place: Annotated[Path, typer.Argument(help="A folder in the LJSpeech layout, or a list.")],
    form: TextOrJsonFormat = TextOrJson.TEXT,
    exit_zero: ExitZero = False,
) -> None:
    """Show what a data set holds and what is wrong with it.

    Exit status 1 where something is.
    """
    from diagnose.data.inspect import survey
    from diagnose.data.progress import track
    from diagnose.engine import examine
    from diagnose.facts import Facts
    from diagnose.report.dataset import as_json, as_text

    found = survey(place, track=lambda clips, total: track(clips, total, "listening"))
    diagnosis = examine(Facts(survey=found))
    answer(form, lambda: as_json(diagnosis), lambda screen: as_text(diagnosis, screen))
    raise typer.Exit(int(any(finding.alarming for finding in diagnosis.findings) and not exit_zero))


def _warn_of_rejected(rejected: tuple[Rejected, ...], out: Path) -> None:
    """How many were rejected, why, and the first few."""
    from diagnose.data.ljspeech import described, reasons

    if not rejected:
        return
    why = ", ".join(f"{count:,} {reason}" for reason, count in reasons(rejected).items())
    tell(f"{len(rejected):,} rejected ({why}); all of them with their texts: {out / 'rejected.txt'}")
    for each in rejected[:REJECTED_SHOWN]:
        print(f"  {plain(described(each))}", file=sys.stderr)


def _done(what: str, out: Path) -> None:
    print(plain(f"{what}: {out}"))
    print(plain(f"what is in it: ttsdoc data stats {out}"), file=sys.stderr)
