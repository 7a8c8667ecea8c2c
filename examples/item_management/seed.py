"""Command line that fills the databases of `DATABASE_URL` and `MONGO_URI` with sample data."""

from __future__ import annotations

import argparse
import asyncio
import os
import time

from app.seeding import seed


def main() -> None:
    """Read the sizes, seed both databases and say how long it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=5_000)
    parser.add_argument("--users", type=int, default=200)
    parser.add_argument("--logs", type=int, default=20_000)
    sizes = parser.parse_args()
    missing = [name for name in ("DATABASE_URL", "MONGO_URI") if not os.environ.get(name)]
    if missing:
        parser.error(f"set {' and '.join(missing)}")
    began = time.monotonic()
    asyncio.run(
        seed(
            os.environ["DATABASE_URL"],
            os.environ["MONGO_URI"],
            items=sizes.items,
            users=sizes.users,
            logs=sizes.logs,
        )
    )
    elapsed_s = time.monotonic() - began
    print(f"seeded {sizes.items} items, {sizes.users} users, {sizes.logs} log lines in {elapsed_s:.1f} s")


if __name__ == "__main__":
    main()
