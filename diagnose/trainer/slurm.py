"""A job script for clusters that run SLURM."""

from __future__ import annotations

from pathlib import Path
from shlex import quote


def job_script(config: str, run_folder: Path, devices: int) -> str:
    """Train on `devices` GPUs of one machine, and go on where it was when the job is queued again."""
    name, folder = quote(run_folder.name), quote(str(run_folder))
    return SCRIPT.format(config=quote(config), name=name, folder=folder, devices=devices)


SCRIPT = """\
#!/bin/bash
#SBATCH --job-name={name}
#SBATCH --nodes=1
#SBATCH --ntasks-per-node={devices}
#SBATCH --gpus-per-node={devices}
#SBATCH --cpus-per-task=4
#SBATCH --time=24:00:00
#SBATCH --requeue
# Two minutes before the time is up: save and leave.
#SBATCH --signal=TERM@120

export MASTER_ADDR=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)
export MASTER_PORT=$((20000 + SLURM_JOB_ID % 20000))

# --resume starts anew where there is nothing to resume yet.
srun --kill-on-bad-exit=1 ttsdoc train {config} --out {folder} --resume
status=$?
# 143: left on SIGTERM, with everything saved.
if [ "$status" -eq 143 ]; then scontrol requeue "$SLURM_JOB_ID"; fi
exit "$status"
"""
