"""Clips: how they are read, split, and dealt to updates and processes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnose.data.audio import write
from diagnose.data.manifest import Clip
from diagnose.errors import ConfigError
from diagnose.trainer.batches import BatchSampler
from diagnose.trainer.corpus import Corpus, Vocabulary, clips_in, listed, load_corpus, prepare, split
from diagnose.trainer.distributed import World
from diagnose.trainer.options import DataOptions, Options
from tests.trainer.tiny import data_set, options, speak


@pytest.fixture(scope="module")
def corpus(data: Path) -> Corpus:
    return prepare(options(data))


def spoken_by(texts: list[str]) -> list[Clip]:
    """A clip of its own for each text."""
    return [Clip(f"c{n}", text, Path(f"c{n}.wav"), None, Path("metadata.csv"), n) for n, text in enumerate(texts, 1)]


@given(st.lists(st.text("ab", min_size=1, max_size=4), min_size=8, max_size=60))
def test_no_text_is_in_two_parts_and_their_order_does_not_matter(texts: list[str]) -> None:
    if len(set(texts)) < 8:
        return
    both = Options(data=DataOptions(val_ratio=0.2, test_ratio=0.2))
    parts = split(spoken_by(texts), both)
    said = [{texts[index] for index in part} for part in parts]
    assert not said[0] & said[1]
    assert not said[0] & said[2]
    assert not said[1] & said[2]
    assert sorted(index for part in parts for index in part) == list(range(len(texts)))
    again = sorted(texts)
    assert [{again[index] for index in part} for part in split(spoken_by(again), both)] == said


def test_a_clip_that_was_held_out_stays_so_when_others_are_added() -> None:
    texts = [f"text {number}" for number in range(200)]
    held_out = {texts[index] for index in split(spoken_by(texts), Options())[1]}
    more = [f"text {number}" for number in range(220)]
    now = {more[index] for index in split(spoken_by(more), Options())[1]}
    assert held_out <= now


def test_the_lists_of_a_split_data_set_decide_who_is_held_out(tmp_path: Path) -> None:
    from diagnose.data import demo
    from diagnose.data.split import split as split_data

    demo.make(tmp_path / "set", clips=40)
    split_data(tmp_path / "set")
    clips = clips_in(tmp_path / "set", Options())
    parts = listed(tmp_path / "set", clips)
    assert parts is not None
    names = [{clips[index].id for index in part} for part in parts]
    expected = [
        {line.split("|")[0] for line in (tmp_path / "set" / f"metadata_{part}.csv").read_text("utf-8").splitlines()}
        for part in ("train", "val", "test")
    ]
    assert names == expected


def test_lists_of_another_data_set_are_refused(tmp_path: Path) -> None:
    for part in ("train", "val"):
        (tmp_path / f"metadata_{part}.csv").write_text("other|hello\n", "utf-8")
    with pytest.raises(ConfigError, match="split the data again"):
        listed(tmp_path, spoken_by(["hello"]))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("a|hello\nb\n", "metadata.csv:2: `id|text` is needed", id="no text"),
        pytest.param("a|\n", "metadata.csv:1:", id="empty text"),
        pytest.param("\n", "no clips", id="empty file"),
    ],
)
def test_a_bad_metadata_line_is_named(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "metadata.csv").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=message.replace("|", r"\|")):
        clips_in(tmp_path, Options())


def test_the_normalised_text_is_taken_and_letters_are_composed(tmp_path: Path) -> None:
    (tmp_path / "wavs").mkdir()
    said = {"a": ("5 cafes", "five cafe\u0301s"), "b": ("two", "two"), "c": ("it is 3", "it is three")}
    lines = [f"{name}|{raw}|{normal}\n" for name, (raw, normal) in said.items()]
    (tmp_path / "metadata.csv").write_text("".join(lines), encoding="utf-8")
    for name in said:
        write(tmp_path / "wavs" / f"{name}.wav", speak("abcde" * 4))
    few = options(tmp_path, data={"val_ratio": 0.5}, model={"n_speech_tokens": 4})
    assert prepare(few).texts == ("five caf\u00e9s", "two", "it is three")


def test_a_wrong_sampling_rate_names_the_clip(tmp_path: Path) -> None:
    folder = data_set(tmp_path / "words", 10)
    with pytest.raises(ConfigError, match=r"data.sampling_rate: 16000 Hz, but .*clip000.wav has 8000 Hz"):
        prepare(options(folder, data={"sampling_rate": 16_000}))


def test_too_few_frames_for_the_codebook_is_an_error_of_the_config(tmp_path: Path) -> None:
    folder = data_set(tmp_path / "words", 10)
    with pytest.raises(ConfigError, match=r"model.n_speech_tokens: \d+ speech frames cannot make 5000"):
        prepare(options(folder, model={"n_speech_tokens": 5000}))


def test_a_corpus_comes_back_from_its_file(corpus: Corpus, data: Path, tmp_path: Path) -> None:
    corpus.save(tmp_path / "data.safetensors")
    back = load_corpus(tmp_path / "data.safetensors", options(data))
    assert back.texts == corpus.texts
    assert (back.train, back.val, back.test) == (corpus.train, corpus.val, corpus.test)
    assert all(np.array_equal(one, other) for one, other in zip(back.speech, corpus.speech, strict=True))
    assert corpus.minutes == pytest.approx(sum(speak(text).seconds for text in corpus.texts) / 60, rel=0.05)


def test_a_damaged_corpus_file_says_what_to_do(data: Path, tmp_path: Path) -> None:
    (tmp_path / "data.safetensors").write_bytes(b"\x00" * 40)
    with pytest.raises(ConfigError, match="delete it to read the data set again"):
        load_corpus(tmp_path / "data.safetensors", options(data))


def test_an_epoch_shows_every_clip_once_and_the_next_one_in_another_order(corpus: Corpus, data: Path) -> None:
    sampler = BatchSampler(corpus, options(data, data={"batch_size": 4}), World())
    steps = sampler.steps_per_epoch
    assert steps == len(corpus.train) // 4
    first, second = (sampler._order(epoch) for epoch in (0, 1))
    assert len({index for update in first for index in update}) == steps * 4
    assert first != second
    assert sampler._order(0) == first


@pytest.mark.parametrize("step", [0, 3, 7])
def test_two_processes_learn_from_the_clips_that_one_would(corpus: Corpus, data: Path, step: int) -> None:
    alone = BatchSampler(corpus, options(data, data={"batch_size": 4}), World()).batches(step)
    shared = [
        BatchSampler(corpus, options(data, data={"batch_size": 2}), World(rank, 2)).batches(step) for rank in (0, 1)
    ]
    for part in shared:
        assert (part.text_tokens, part.speech_tokens) == (alone.text_tokens, alone.speech_tokens)
    targets = sorted(alone.batches[0].speech_targets.tolist())
    assert sorted(token for part in shared for token in part.batches[0].speech_targets.tolist()) == targets


def test_tokens_are_replaced_in_the_input_and_never_in_the_target(corpus: Corpus, data: Path) -> None:
    spoiled = BatchSampler(corpus, options(data, training={"token_replacement": 0.5}), World()).batches(0).batches[0]
    plain = BatchSampler(corpus, options(data, training={"token_replacement": 0.0}), World()).batches(0).batches[0]
    assert spoiled.speech_targets.equal(plain.speech_targets)
    share = (spoiled.tokens != plain.tokens).float().sum() / len(plain.speech_targets)
    assert 0.3 < share < 0.6


def test_new_letters_come_behind_the_old_ones() -> None:
    assert Vocabulary("ab").extended(["cab", "d"]) == Vocabulary("abcd")


def test_an_unknown_letter_is_named() -> None:
    with pytest.raises(ValueError, match="knows no 'x' 'z'"):
        Vocabulary("ab").encode("axz")
