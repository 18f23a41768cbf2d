"""Whatever a config looks like, an edit changes the asked values, for every loader, and nothing else."""

from __future__ import annotations

import json
from string import ascii_letters
from typing import Any

import yaml
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from diagnose.config import Config, parse_config
from diagnose.config.document import parse_document
from diagnose.config.edit import float_text, replacement, spliced, verified
from diagnose.config.node import Scalar
from diagnose.errors import ConfigError
from tests.config.readers import LOADERS, changed, faults, loaded, same

WORDS = st.sampled_from(["name", "n_heads", "path", "texte", "ሰላም", "mel_fmax", "use_ema", "notes", "kernel"])
NUMBERS = ["1", "0", "3.5", "2.0e-4", "5e-5", "1.0e-9", ".5", "1_000", "0x1f", "-7", "1e6", "010", "1.e-3", "1:30"]
TEXTS = ["hello", "'it''s'", '"a \\u1260 # b"', "yes", "~", "null", "", "12:30:45", "2024-01-01", "a b c", '"5e-5"']
VALUES = st.sampled_from([*NUMBERS, *TEXTS, "[1, 2.5, a]", "{x: 1, y: [2]}", "true", "False"])
COMMENTS = st.sampled_from(["", "  # why: 2e-4", " # batch_size: 3", "  # ሰላም"])
RATES = st.sampled_from(["2e-4", "0.0002", "2.0e-4", "1e-3", ".001", "'0.001'", '"3e-4"', "1"])
COUNTS = st.sampled_from(["16", "1", "0x10", "1_6", "'16'", "8"])


@st.composite
def yaml_texts(draw: st.DrawFn) -> str:
    """A hand-written YAML config with noise around a training section."""
    indent = draw(st.sampled_from([" ", "  ", "    "]))
    noise = draw(st.lists(st.tuples(WORDS, VALUES, COMMENTS), unique_by=lambda entry: entry[0], max_size=4))
    inner = [f"learning_rate: {draw(RATES)}{draw(COMMENTS)}", f"batch_size: {draw(COUNTS)}{draw(COMMENTS)}"]
    inner += [f"epochs: {draw(COUNTS)}", "grad_clip: &clip 1.0   # anchored", "dropout: 0.1"]
    inner += [f"x_{key}: {value}{comment}" for key, value, comment in noise]
    lines = [f"{key}: {value}{comment}" for key, value, comment in noise]
    if draw(st.booleans()):
        body = ["training:", *(indent + line for line in draw(st.permutations(inner)))]
    else:
        body = ["training: {" + ", ".join(line.split("  #")[0].split(" #")[0] for line in inner[:5]) + "}"]
    body += [f"other: {{clip: *clip, list: [*clip, {draw(RATES)}]}}"] if draw(st.booleans()) else []
    lines = [*draw(st.permutations(lines)), "# a comment", *body, "", "model:", f"{indent}n_layers: 6"]
    text = draw(st.sampled_from(["\n", "\r\n"])).join(lines)
    return draw(st.sampled_from(["", "\ufeff"])) + text + draw(st.sampled_from(["", "\n", "\n\n# end\n"]))


CHANGES: dict[str, Any] = {"learning_rate": 3.7e-5, "batch_size": 37, "grad_clip_norm": 0.37, "max_epochs": 373}


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(yaml_texts(), st.sampled_from(sorted(CHANGES)))
def test_a_yaml_edit_is_right_for_every_loader(text: str, name: str) -> None:
    config = parse_config(text, "config.yaml")
    rewrite = config.rewrite({name: CHANGES[name]})
    assert rewrite.applied or rewrite.refused
    if name in rewrite.applied:
        assert faults(text, rewrite.text, "yaml", rewrite.applied[name][1]) == []
        assert parse_config(rewrite.text, "config.yaml").value(name) == CHANGES[name]
    else:
        assert rewrite.text == text
    assert parse_config(rewrite.text, "config.yaml").rewrite({name: CHANGES[name]}).text == rewrite.text


# No letters: a key `SGD` or `lr` in the noise would be a second learning rate, which is rightly not changed.
KEYS = st.text(st.characters(codec="utf-8", exclude_characters=ascii_letters), max_size=6)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.dictionaries(KEYS, JSON_VALUES, max_size=4),
    st.sampled_from([None, 0, 2, "\t"]),
    st.booleans(),
    st.sampled_from(sorted(CHANGES)),
)
def test_a_json_edit_is_right_for_every_loader(
    noise: dict[str, Any], indent: str | int | None, escaped: bool, name: str
) -> None:
    training = {"learning_rate": 2e-4, "batch_size": 16, "grad_clip": 1, "epochs": 9, "x": noise}
    text = json.dumps({"noise": noise, "training": training}, indent=indent, ensure_ascii=escaped)
    rewrite = parse_config(text, "config.json").rewrite({name: CHANGES[name]})
    assert set(rewrite.applied) == {name}
    assert faults(text, rewrite.text, "json", CHANGES[name]) == []


@settings(deadline=None)
@given(st.floats(min_value=1e-300, max_value=1e300, allow_nan=False) | st.floats(min_value=1e-12, max_value=10))
def test_every_float_is_read_as_a_float_by_all_loaders(value: float) -> None:
    text = float_text(value)
    seen = {name: load(f"x: {text}")["x"] for name, load in LOADERS["yaml"].items()}
    seen["json"] = json.loads(text)
    assert {name: type(found) for name, found in seen.items()} == dict.fromkeys(seen, float)
    assert len(set(seen.values())) == 1


def read_or_refused(text: str, source: str) -> Config | str:
    """The config, or the message with which it is refused."""
    try:
        return parse_config(text, source)
    except ConfigError as error:
        return str(error)


@settings(max_examples=150, deadline=None)
@given(yaml_texts(), st.text(max_size=6), st.integers(0, 400), st.sampled_from(["yaml", "json", "py", "txt"]))
def test_any_text_is_read_or_refused_in_one_line(text: str, noise: str, at: int, ending: str) -> None:
    config = read_or_refused(text[:at] + noise + text[at:], f"config.{ending}")
    if isinstance(config, str):
        assert "\n" not in config
        return
    changes: dict[str, Any] = dict(CHANGES)
    rewrite = config.rewrite(changes)
    assert set(rewrite.applied) | set(rewrite.refused) <= set(changes)
    assert parse_config(rewrite.text, config.source).rewrite(changes).text == rewrite.text


def toml_value(value: Any) -> str:
    """A value in TOML; tables inline."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, list):
        return "[" + ", ".join(map(toml_value, value)) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {toml_value(child)}" for key, child in value.items()) + "}"
    return repr(value) if isinstance(value, int) else repr(float(value))


TOML_LEAVES = (
    st.booleans()
    | st.integers(-(2**31), 2**31)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=6)
)
TREES = st.dictionaries(
    st.sampled_from(["lr", "a b", "x", "ሰ", "n-1"]),
    st.recursive(
        TOML_LEAVES,
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["p", "q", "r"]), inner, max_size=3)
        ),
        max_leaves=6,
    ),
    min_size=1,
    max_size=4,
)
WRITERS = {
    "yaml": lambda tree: yaml.safe_dump(tree, allow_unicode=True),
    "json": lambda tree: json.dumps(tree, indent=1),
    "toml": lambda tree: (
        "".join(f"{json.dumps(key)} = {toml_value(value)} # c\n" for key, value in tree.items())
        + "\n[s.t]\nlr = 1e-4\n[[rows]]\nx = 1\n[[rows]]\nx = 2\n"
    ),
}
NEW = st.sampled_from([3.7e-5, 0.5, 42, True, "cosine"])


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(TREES, st.sampled_from(sorted(WRITERS)), st.integers(0, 99), NEW)
def test_an_edit_of_any_scalar_changes_that_scalar_alone(tree: Any, syntax: str, number: int, value: Any) -> None:
    text = WRITERS[syntax](tree)
    document = parse_document(text, f"config.{syntax}")
    scalars = [node for _, node in document.scalars() if isinstance(node, Scalar)]
    assume(scalars)
    scalar = scalars[number % len(scalars)]
    edited = spliced(text, [replacement(document, scalar, value)])
    verified(document, edited, {id(scalar): value}, None)
    before, after = loaded(text, syntax), loaded(edited, syntax)
    assert before.keys() == after.keys() != set()
    for loader in before:
        different = changed(before[loader], after[loader])
        assert len(different) <= 1
        assert all(same(found, value) for found in different.values())


@settings(max_examples=100, deadline=None)
@given(TREES)
def test_toml_is_read_as_the_standard_library_reads_it(tree: Any) -> None:
    text = WRITERS["toml"](tree)
    document = parse_document(text, "config.toml")
    seen = {path: node.value for path, node in document.scalars() if isinstance(node, Scalar)}
    wanted = loaded(text, "toml")["tomllib"]
    assert seen.keys() == wanted.keys()
    assert all(same(seen[path], wanted[path]) for path in wanted)


@settings(max_examples=100, deadline=None)
@given(
    st.text(max_size=60)
    | st.from_regex(r"(\[{1,2}[ab.]+\]{1,2}\n|[ab.]+ = ([01]|\"x|\[1,|\{a=1)\n?){1,4}", fullmatch=True)
)
def test_any_toml_is_read_or_refused_in_one_line(text: str) -> None:
    config = read_or_refused(text, "config.toml")
    assert not isinstance(config, str) or "\n" not in config
