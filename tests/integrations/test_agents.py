"""ttsdoc as an agent sees it: a real client, over the standard streams of a real process."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("mcp.server.mcpserver")

import anyio
from mcp import StdioServerParameters
from mcp.client import Client
from mcp.client.stdio import stdio_client

from diagnose.integrations.agents import harmless

pytestmark = pytest.mark.filterwarnings("ignore")


@asynccontextmanager
async def served(folder: Path, root: Path) -> AsyncIterator[Client]:
    arguments = ["-m", "diagnose", "mcp", "--root", str(folder)]
    process = StdioServerParameters(command=sys.executable, args=arguments, env={"PYTHONPATH": str(root)})
    async with Client(stdio_client(process)) as client:
        yield client


async def called(client: Client, tool: str, **arguments: Any) -> tuple[bool, Any]:
    """Whether it failed, and the answer."""
    answer = await client.call_tool(tool, arguments)
    text = "".join(part.text for part in answer.content if part.type == "text")
    return bool(answer.is_error), text if answer.is_error or tool == "explain" else json.loads(text)


@pytest.fixture
def workplace(root: Path, tmp_path: Path) -> Path:
    shutil.copytree(root / "examples" / "amharic", tmp_path / "work" / "amharic")
    (tmp_path / "secret.yaml").write_text("learning_rate: 1\nbatch_size: 1\n")
    (tmp_path / "work" / "link.yaml").symlink_to(tmp_path / "secret.yaml")
    return tmp_path / "work"


def test_an_agent_judges_a_run_and_gets_the_corrected_config_as_a_diff(workplace: Path, root: Path) -> None:
    async def scene() -> None:
        async with served(workplace, root) as client:
            tools = (await client.list_tools()).tools
            assert {tool.name for tool in tools} == {"analyze", "explain", "check", "plan"}
            assert all(tool.annotations and tool.annotations.read_only_hint for tool in tools)

            failed, seen = await called(client, "analyze", path="amharic")
            assert not failed
            assert seen["runs"][0]["verdict"] == "unhealthy"
            codes = {finding["code"] for finding in seen["runs"][0]["findings"]}
            assert "OPT001" in codes

            _, page = await called(client, "explain", check="OPT001")
            assert "learning-rate-too-high" in page
            _, checked = await called(client, "check", config="amharic/config.yaml")
            assert checked["values"]["learning_rate"]["value"] == 2e-4

            before = (workplace / "amharic" / "config.yaml").read_bytes()
            _, plan = await called(client, "plan", config="amharic/config.yaml")
            assert "learning_rate" in {edit["parameter"] for edit in plan["applied"]}
            assert "+  learning_rate: 5.0e-05" in plan["diff"]
            assert (workplace / "amharic" / "config.yaml").read_bytes() == before

    anyio.run(scene)


def test_no_path_leads_out_of_the_folder(workplace: Path, root: Path) -> None:
    async def scene() -> None:
        async with served(workplace, root) as client:
            for path in (
                "../secret.yaml",
                str(workplace.parent / "secret.yaml"),
                "link.yaml",
                "file:///etc/passwd",
                "a\0b",
            ):
                failed, said = await called(client, "check", config=path)
                assert failed
                assert "outside the folder" in said
            failed, said = await called(client, "analyze", path="nothing-here")
            assert failed
            assert "nothing-here" in said
            assert "Traceback" not in said

    anyio.run(scene)


def test_text_from_a_log_reaches_the_agent_without_controls() -> None:
    assert harmless({"a\x1b[2J": ["x\u202ey", float("nan"), 1]}) == {"a\\x1b[2J": ["x\\u202ey", None, 1]}
