"""What agents read about ttsdoc is true: each command exists, each file is there, each key is in the schema."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import yaml


def ttsdoc(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "diagnose", *arguments]
    return subprocess.run(command, capture_output=True, encoding="utf-8", cwd=cwd, check=False)


def test_the_skill_says_what_it_is_for(root: Path) -> None:
    head = yaml.safe_load((root / "SKILL.md").read_text("utf-8").split("---")[1])
    assert head["name"] == "ttsdoc"
    assert 40 < len(head["description"]) <= 1024


def test_every_command_and_option_that_agents_read_exists(root: Path) -> None:
    text = "\n".join((root / name).read_text("utf-8") for name in ("SKILL.md", "llms.txt"))
    named = re.findall(r"ttsdoc ([a-z]+)((?: [^`#\n]*)?)", text)
    options: dict[str, set[str]] = {}
    for command, rest in named:
        options.setdefault(command, set()).update(re.findall(r"--[a-z-]+", rest))
    known = re.findall(r"^  ([a-z]+) ", ttsdoc("--help", cwd=root).stdout, re.MULTILINE)
    commands = {command for command in options if command in known}
    assert {"analyze", "fix", "check", "explain", "schema", "mcp"} <= commands
    for command in commands:
        shown = ttsdoc(command, "--help", cwd=root).stdout
        assert [option for option in options[command] if option not in shown] == []


def test_every_key_that_the_skill_names_is_in_the_schema(root: Path) -> None:
    schema = ttsdoc("schema", cwd=root).stdout
    section = (root / "SKILL.md").read_text("utf-8").split("## Judge a run")[1].split("## ")[0]
    keys = {
        key
        for line in section.splitlines()
        if line.startswith(("- ", "  "))
        for key in re.findall(r"`([a-z_]+)`", line)
    }
    assert len(keys) > 10
    assert [key for key in sorted(keys) if f'"{key}"' not in schema] == []


def test_every_file_that_llms_txt_links_is_there(root: Path) -> None:
    links = re.findall(r"\]\(([^)]+)\)", (root / "llms.txt").read_text("utf-8"))
    assert len(links) > 4
    assert [link for link in links if not (root / link).exists()] == []
