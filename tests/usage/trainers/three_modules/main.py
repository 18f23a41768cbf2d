import sys

from pkg.engine import Engine
from pkg.io_utils import read_config

if __name__ == "__main__":
    Engine(read_config(sys.argv[1])).run()
