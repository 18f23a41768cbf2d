"""Sections that the source takes without their names, and those that it takes not at all."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from tests.usage.conftest import read

LOAD = "import yaml\ncfg = yaml.safe_load(open('c.yaml'))\nprint(cfg['seed'])\n"
WITHOUT_ITS_NAME = {
    "the sum of all": """
        import operator
        from functools import reduce
        f = reduce(operator.or_, parts.values())
        print(f['lr'])
    """,
    "a method for each": """
        f = {}
        list(map(f.update, parts.values()))
        print(f['lr'])
    """,
    "the first": """
        one = next(iter(parts.values()))
        print(one['lr'])
    """,
    "the longest": """
        one = max(parts.values(), key=len)
        print(one['lr'])
    """,
    "a queue": """
        from collections import deque
        d = deque(parts.values())
        print(d.popleft()['lr'])
    """,
    "any of them": """
        import random
        s = random.choice(list(parts.values()))
        print(s['lr'])
    """,
    "a pattern": """
        for s in parts:
            match parts[s]:
                case {'lr': x}: print(x)
    """,
    "a pickle": """
        import pickle
        t = pickle.loads(pickle.dumps(parts))
        print([s['lr'] for s in t.values()])
    """,
    "a module's attribute": """
        import lost
        lost.state = parts
        for s in lost.state.values(): print(s['lr'])
    """,
    "a module's item": """
        import lost
        lost.table['cfg'] = parts
        for s in lost.all(): print(s['lr'])
    """,
    "a context": """
        import contextvars
        c = contextvars.ContextVar('c')
        c.set(parts)
        for s in c.get().values(): print(s['lr'])
    """,
    "a shelf": """
        import shelve
        t = shelve.open('x')
        t.update(parts)
        for k in t: print(t[k]['lr'])
    """,
    "a weak reference": """
        import weakref
        class B(dict): pass
        r = weakref.ref(B(parts))
        for s in r().values(): print(s['lr'])
    """,
    "a manager": """
        from multiprocessing import Manager
        c = Manager().dict(parts)
        for s in c.values(): print(s['lr'])
    """,
    "a future": """
        from concurrent.futures import ThreadPoolExecutor
        def load(): return parts
        c = ThreadPoolExecutor().submit(load).result()
        for s in c.values(): print(s['lr'])
    """,
    "a pool": """
        from multiprocessing import Pool
        def work(s): return s['lr']
        with Pool() as p: p.map(work, parts.values())
    """,
    "a task": """
        import lost
        @lost.task
        def run(c):
            for s in c.values(): print(s['lr'])
        run.delay(parts)
    """,
    "the proxies of a list": """
        from types import MappingProxyType
        for s in [MappingProxyType(parts)][0].values(): print(s['lr'])
    """,
}


@pytest.mark.parametrize("parts", ["cfg", "cfg['parts']"])
@pytest.mark.parametrize("how", WITHOUT_ITS_NAME)
def test_a_section_that_is_taken_without_its_name_is_not_accused(tmp_path: Path, how: str, parts: str) -> None:
    source = f"{LOAD}parts = {parts}\n{textwrap.dedent(WITHOUT_ITS_NAME[how])}"
    inner = {"optimiser": {"lr": 1, "spare": 2}}
    config = {"seed": 1, **inner} if parts == "cfg" else {"seed": 1, "parts": inner}
    path = "optimiser.lr" if parts == "cfg" else "parts.optimiser.lr"
    assert path not in {use.path for use in read(tmp_path, source, config).idle}


NOT_OF_IT = {
    "an attribute of a layer": "import torch\nfor layer in torch.hub.load('a', 'b').layers: print(layer)",
    "a key of a row": "import batches\nfor row in batches.all(): print(row['layers'])",
    "a text": "import batches\nbatches.columns(['layers'])",
}


@pytest.mark.parametrize("how", NOT_OF_IT)
def test_what_has_the_name_of_a_key_is_not_of_a_section_that_nothing_takes(tmp_path: Path, how: str) -> None:
    config = "{seed: 1, small: {width: 1, layers: 2}, large: {width: 3, layers: 4}}"
    report = read(tmp_path, LOAD + "print(cfg['small']['width'])\n" + NOT_OF_IT[how], config)
    assert set(report.dead) - {"small.layers"} == {"large.width", "large.layers"}


HOLDS_ITSELF = {
    "by item": ("def __getitem__(self, key):\n        return self.held[key]", "c['lr']"),
    "by a method": ("def get(self, key):\n        return self.held.get(key)", "c.get('lr')"),
    "by its own method": ("def get(self, key):\n        return self.get('held')[key]", "c.get('lr')"),
}


@pytest.mark.parametrize("how", HOLDS_ITSELF)
def test_a_class_that_may_hold_its_own_objects_is_followed_to_an_end(tmp_path: Path, how: str) -> None:
    method, use = HOLDS_ITSELF[how]
    source = f"{LOAD}class Config:\n    def __init__(self, held):\n        self.held = held\n    {method}\n"
    report = read(tmp_path, f"{source}c = Config(Config(cfg))\nprint({use})\n", "{seed: 1, lr: 2}")
    assert not any("nested" in note or "large" in note for note in report.notes)
    assert "lr" not in {use.path for use in report.idle}
