"""A command from its start to its exit: seconds, CPU, peak memory. Its own status and output do not matter.

In a process of its own because Linux counts, in the peak of a process, the memory of the one that started it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from time import perf_counter


def main() -> None:
    """Run the arguments as a command, and print how it went."""
    began = perf_counter()
    with subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        _, _, usage = os.wait4(process.pid, 0)
        process.returncode = 0  # it is waited for
    seconds, cpu = perf_counter() - began, usage.ru_utime + usage.ru_stime
    print(json.dumps({"seconds": seconds, "cpu": cpu, "peak_bytes": usage.ru_maxrss * 1024}))


if __name__ == "__main__":
    main()
