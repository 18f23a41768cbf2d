"""Text from logs, made harmless for a terminal, a JSON viewer, a Markdown file and a CSV cell."""

from __future__ import annotations

import json
import re

from diagnose.regex import regex

# C0 and C1 controls but the tab, DEL, line and paragraph separators, lone surrogates; the bidirectional controls that
# reorder what a reader sees (CVE-2021-42574); and what has no width or no ink, in which text can be hidden: soft
# hyphen, joiners, fillers, tags, variation selectors beyond those of emoji (Unicode TR 36, section 2.10).
_UNSEEN = regex(
    "[\x00-\x08\x0a-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    "\u2028-\u202e\u2060-\u206f\u3164\ud800-\udfff\ufeff\uffa0\ufff0-\ufffb\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff]"
)
_MARKDOWN = regex(r"([\\`*_{}\[\]()<>#+!|~&$=-])")
# GitHub and GitLab make mentions, issues and links of the text that comes out of Markdown, escaped or not. A space of
# no width parts them, written as an entity so that it is seen in the source (as Renovate and Dependabot do).
_LIVE = regex(r"@|\\#(?=\d)|:(?=//)|(?<!\w)www\.|(?<!\w)GH\\-(?=\d)|(?<!\w)(?:mailto|xmpp):", re.IGNORECASE)
_PARTED = "&#8203;"


# Names and passwords in addresses (`s3://key:secret@...`), and what signs a request.
_SECRET = regex(
    r"""(\w://)[^\s/@"\\]+@|([?&](?:[\w.-]*(?:token|secret|password|signature|credential)|sig|key)=)[^\s&#"\\]+""",
    re.IGNORECASE,
)


def _unsigned(text: str) -> str:
    """The text without credentials: reports are sent to other people."""
    return _SECRET.sub(lambda found: f"{found[1]}***@" if found[1] else f"{found[2]}***", text)


def plain(text: str) -> str:
    """One line that no terminal acts on: controls and what cannot be seen are shown as escapes, secrets as stars."""
    text = _unsigned(text)
    return _UNSEEN.sub(lambda found: found.group().encode("unicode_escape").decode("ascii"), text)


def json_text(text: str) -> str:
    """The same for JSON that is already written: each such character as the escape that means it."""
    # A line break is between the values; within them JSON has it escaped already.
    return _UNSEEN.sub(lambda found: json.dumps(found[0])[1:-1] if found[0] != "\n" else "\n", _unsigned(text))


def markdown(text: str) -> str:
    """One line of `plain` text in which Markdown and HTML see no markup, and GitHub no mention, issue or link."""
    escaped = _MARKDOWN.sub(r"\\\1", plain(text).replace("\t", " ").strip())
    escaped = re.sub(r"^(\d+)([.)])", r"\1\\\2", escaped)  # the start of a numbered list
    return _LIVE.sub(lambda found: found.group() + _PARTED, escaped)
