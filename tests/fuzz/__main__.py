"""`python -m tests.fuzz TARGET|all [--count N] [--seed S] [--keep] [--replay HEX|FILE]`."""

import argparse
import sys
import time
from pathlib import Path

from tests.fuzz.shape import Failure, fuzz, replay
from tests.fuzz.targets import TARGETS


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("target", choices=[*TARGETS, "all"])
    parser.add_argument("--count", type=int, default=100_000, help="how many inputs (default: 100000)")
    parser.add_argument("--seed", type=int, help="repeat a run; the default is new each time, and printed")
    parser.add_argument("--keep", action="store_true", help="store inputs with a new outcome in the corpus")
    parser.add_argument("--replay", metavar="HEX|FILE", help="play one input and say what came of it")
    args = parser.parse_args()
    seed = args.seed if args.seed is not None else time.time_ns() % 2**32
    for name in TARGETS if args.target == "all" else [args.target]:
        target = TARGETS[name]()
        try:
            if args.replay:
                path = Path(args.replay)
                case = path.read_bytes() if len(args.replay) < 256 and path.is_file() else bytes.fromhex(args.replay)
                print(f"{name}: {next(iter(replay(target, [case]).outcomes))}")
                continue
            print(f"{name}: {args.count} inputs, seed {seed}", flush=True)
            report = fuzz(target, count=args.count, seed=seed, keeping=args.keep)
        except Failure as failure:
            print(failure, file=sys.stderr)
            raise
        finally:
            target.close()
        rate = report.inputs / max(report.seconds, 1e-9)
        print(
            f"{name}: {report.inputs} inputs in {report.seconds:.0f} s ({rate:.0f}/s), {len(report.outcomes)} outcomes, "
            f"slowest {report.slowest_s * 1000:.0f} ms of processor time, grown by {report.grown_kib // 1024} MiB; none failed",
            flush=True,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
