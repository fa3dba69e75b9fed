"""Starts a server on the releases under `CCML_HOME` and measures what it holds on this machine.

    python benchmarks/serving_load.py --rate 200 --seconds 30

Prints one JSON object per load: an open loop at the rate asked for, then closed loops of 1, 8 and 64 clients, and 256
rude clients, four times what the server admits.
"""

from __future__ import annotations

import argparse

import msgspec

from ccml.home import Home
from ccml_cli.load import BenchReport, bench, server_for_bench


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=float, default=200.0, help="requests per second of the open loop")
    parser.add_argument("--seconds", type=float, default=20.0, help="length of each load")
    arguments = parser.parse_args()
    with server_for_bench(Home.from_environment()) as url:
        show("open loop", bench(url, seconds=arguments.seconds, rate=arguments.rate, clients=64))
        for clients in (1, 8, 64, 256):
            show(f"closed loop, {clients}", bench(url, seconds=arguments.seconds, clients=clients))


def show(load: str, report: BenchReport) -> None:
    print(msgspec.json.encode({"load": load, **msgspec.to_builtins(report)}).decode())


if __name__ == "__main__":
    main()
