"""Promise 16: no text of a log becomes HTML, a link, a mention, a formula or a command of GitHub."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from diagnose.clean import json_text, markdown, plain
from tests.promises import hostile
from tests.promises.commands import error_lines, ttsdoc

HEADS = {"h1", "h2", "p", "strong", "em", "pre", "code", "details", "summary"}
EXPECTED = HEADS | {"ul", "li", "table", "thead", "tbody", "tr", "th", "td"}
# What GitHub looks for in the text that Markdown gives, outside of code.
LIVE = re.compile(r"@\w|#\d|\bGH-\d|://|\bwww\.\w|mailto:\w", re.IGNORECASE)


class Page(HTMLParser):
    """The elements and the text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        assert all(name == "style" and value and value.startswith("text-align") for name, value in attrs), attrs

    def handle_data(self, data: str) -> None:
        self.text += data


def page(text: str) -> Page:
    return Page(MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).render(text))


@given(st.text() | st.sampled_from(hostile.ALL) | st.lists(st.sampled_from(hostile.ALL)).map(" ".join))
def test_escaped_text_is_one_paragraph_of_text(text: str) -> None:
    shown = page(markdown(text))
    assert shown.elements in ([], ["p"])
    assert not LIVE.search(shown.text)


@given(st.text(st.characters(exclude_categories=["Cc", "Cf", "Cs", "Zl", "Zp", "Zs"], exclude_characters="@:#.-")))
def test_harmless_text_reads_as_it_was(text: str) -> None:
    if plain(text) == text:
        assert page(markdown(text)).text.strip() == text.strip()


@given(
    st.recursive(st.text() | st.none() | st.floats(allow_nan=False), lambda inner: st.dictionaries(st.text(), inner))
)
def test_escaped_json_means_the_same(value: object) -> None:
    text = json.dumps(value, ensure_ascii=False, indent=2)
    if "://" not in text and "=" not in text:  # where credentials may be, which are left out
        assert json.loads(json_text(text)) == json.loads(text)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = hostile.tree(tmp_path_factory.mktemp("tree"))
    hostile.rows(folder / "rows")
    return folder


def test_a_markdown_report_of_hostile_logs_has_the_elements_of_any_report(tree: Path) -> None:
    result = ttsdoc("analyze", tree, "--format", "markdown")
    error_lines(result)
    shown = page(result.stdout)
    assert set(shown.elements) <= EXPECTED
    assert not LIVE.search(shown.text), LIVE.search(shown.text)
