"""Promise 24: addresses may hold passwords and signatures; reports, which people send to one another, never do."""

from __future__ import annotations

import pytest

from diagnose.clean import json_text, markdown, plain
from tests.promises.commands import error_lines, ttsdoc

SECRETS = [
    "http://user:hunter2@127.0.0.1:9/x",
    "https://hunter2@127.0.0.1:9/x",
    "s3://key:hunter2@bucket/x",
    "http://127.0.0.1:9/x?X-Amz-Signature=hunter2&a=1",
    "http://127.0.0.1:9/x?a=1&access_token=hunter2",
    "http://127.0.0.1:9/x?key=hunter2",
]


@pytest.mark.parametrize("address", SECRETS)
def test_a_secret_in_an_address_is_not_repeated(address: str) -> None:
    for show in (plain, markdown, json_text):
        assert "hunter2" not in show(f"read from {address} and more")
    result = ttsdoc("analyze", address)
    error_lines(result)
    assert result.returncode == 2
    assert "hunter2" not in result.stderr + result.stdout


def test_mail_addresses_and_plain_addresses_stay() -> None:
    for text in ("mail a@b.example", "https://huggingface.co/x?revision=main", "s3://bucket/x", "user@host:/path"):
        assert plain(text) == text
