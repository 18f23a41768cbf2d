"""One process or many: who I am among them, how they start, and what they send one another."""

from __future__ import annotations

import importlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import torch
from torch import distributed

from diagnose.errors import ConfigError
from diagnose.interrupt import interruptible


@dataclass(frozen=True)
class World:
    """The processes that train one model together."""

    rank: int = 0
    size: int = 1
    local_rank: int = 0
    """Number of this process on its machine: the GPU it takes."""

    @property
    def is_main(self) -> bool:
        """Whether this process writes the run folder."""
        return self.rank == 0

    @property
    def device(self) -> torch.device:
        """The GPU of this process, or the CPU."""
        return torch.device("cuda", self.local_rank) if torch.cuda.is_available() else torch.device("cpu")

    def any(self, flag: bool) -> bool:
        """Whether `flag` is true in any process; all must ask together."""
        return bool(self.total(torch.tensor([float(flag)]))[0] > 0)

    def total(self, values: torch.Tensor) -> torch.Tensor:
        """The sum of `values` over all processes; all must ask together."""
        if self.size > 1:
            distributed.all_reduce(values)
        return values

    def wait(self) -> None:
        """Go on when all processes have come here."""
        self.any(False)


PATIENCE = timedelta(hours=6)
"""How long the others wait for the first process to turn a large data set into tokens."""


def from_environment(environment: Mapping[str, str]) -> World:
    """The world that torchrun, accelerate or SLURM's srun has set up in the environment variables."""
    names = ("RANK", "WORLD_SIZE", "LOCAL_RANK")
    if "RANK" not in environment and "SLURM_STEP_ID" in environment:
        names = ("SLURM_PROCID", "SLURM_STEP_NUM_TASKS", "SLURM_LOCALID")
    try:
        rank, size, local_rank = (
            int(environment.get(name, default)) for name, default in zip(names, "010", strict=True)
        )
    except ValueError as error:
        raise ConfigError(f"{', '.join(names)} in the environment must be whole numbers ({error})") from error
    if size > 1 and "MASTER_ADDR" not in environment:
        raise ConfigError("MASTER_ADDR is not set; start with --devices, torchrun, or the script of --emit slurm")
    return World(rank, size, local_rank)


@contextmanager
def joined(world: World) -> Iterator[None]:
    """Within the block, the processes of `world` can talk: over nccl between GPUs, over gloo between CPUs."""
    if world.size == 1:
        yield
        return
    if world.device.type == "cuda":
        if world.local_rank >= torch.cuda.device_count():
            raise ConfigError(f"--devices: this machine has {torch.cuda.device_count()} GPUs; ask for no more")
        torch.cuda.set_device(world.device)
    os.environ.setdefault("MASTER_PORT", "29500")
    _keep_no_group()
    # gloo carries the flags and sums that live on the CPU, so that asking never makes a GPU wait.
    backend = "cpu:gloo,cuda:nccl" if world.device.type == "cuda" else "gloo"
    distributed.init_process_group(backend, rank=world.rank, world_size=world.size, timeout=PATIENCE)
    try:
        yield
    finally:
        distributed.destroy_process_group()


def _keep_no_group() -> None:
    """Have the modules imported whose functions take the group of the moment as a default argument.

    DistributedDataParallel imports them (by torch._dynamo) when the group is there. It then lives as long as
    the interpreter, with its threads; one of them lets go of a tensor while Python shuts down, asks for the lock
    that is no more, and a finished training ends in "terminate called without an active exception".
    """
    importlib.import_module("torch.distributed.nn.functional")


def launch(devices: int, arguments: list[str]) -> int:
    """Run `ttsdoc train` with `arguments` in `devices` processes on this machine; the exit status."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={devices}"]
    with interruptible(patient=True) as stopped:
        process = subprocess.Popen([*command, "-m", "diagnose", "train", *arguments])
        sent = False
        while process.poll() is None:
            time.sleep(0.1)
            if stopped.signal == signal.SIGTERM and not sent:  # a Ctrl-C reaches torchrun from the terminal
                process.terminate()
                sent = True
    return process.returncode if stopped.signal is None else 128 + stopped.signal
