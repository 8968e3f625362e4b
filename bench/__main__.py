"""`python -m bench [NAME...] [--quick] [--json FILE]`: run the measurements and print the results beside their targets."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from bench.results import Row, Run, table

# In the order of their worth to a reader. True: it needs the peers.
MEASUREMENTS = {
    "login": True,
    "response": True,
    "client_credentials": True,
    "identity": True,
    "servers": False,
    "load": False,
    "growth": False,
}


def main() -> None:
    """The command line. Exits with 1 if a measurement could not be made; a missed target is a result, not an error."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="NAME", choices=[*MEASUREMENTS, []], help=", ".join(MEASUREMENTS) + "; all, if none is given"
    )
    parser.add_argument("--quick", action="store_true", help="fewer rounds, rougher figures")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there, too")
    asked = parser.parse_args()
    names = asked.names or list(MEASUREMENTS)
    home = Path(os.environ.get("BENCH_HOME") or Path.home() / ".cache" / "crossgate-bench").absolute()
    if any(MEASUREMENTS[name] for name in names):
        subprocess.run([str(Path(__file__).parent / "peers" / "install.sh"), str(home)], check=True)
    results: dict[str, list[Row]] = {}
    failed = False
    for name in names:
        print(f"\n## {name}\n", flush=True)
        with tempfile.TemporaryDirectory(prefix="crossgate-bench-") as folder:
            measure = Run(home, Path(folder), asked.quick)
            try:
                results[name] = importlib.import_module(f"bench.{name}").run(measure)
            except Exception as error:  # the others are still worth having
                print(f"not measured: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
                failed = True
                continue
        print(table(results[name]), flush=True)
    if asked.json:
        about = {
            "date": datetime.now(UTC).date().isoformat(),
            "python": platform.python_version(),
            "cpus": os.cpu_count(),
            "quick": asked.quick,
        }
        asked.json.write_text(
            json.dumps({**about, "results": {name: [row.as_dict() for row in rows] for name, rows in results.items()}}, indent=1)
        )
    sys.exit(failed)


if __name__ == "__main__":
    main()
