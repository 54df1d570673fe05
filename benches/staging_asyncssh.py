"""What asyncssh does to bring a file to many hosts at once; the other side of bench_staging.py.

`staging_asyncssh.py PLACES FILE`: for each line on stdin, the name of a new folder, the file is
brought to every host and started once; then it says `done`.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

# Not installed where the benches are checked.
import asyncssh  # type: ignore[import-not-found, unused-ignore]


async def _bring(place: dict[str, Any], file: Path, folder: str) -> None:
    known = asyncssh.import_known_hosts(f"[{place['host']}]:{place['port']} {place['host_key']}\n")
    there = f"{place['folder']}/{folder}"
    async with asyncssh.connect(
        place["host"],
        place["port"],
        username=place["username"],
        client_keys=[place["key"]],
        known_hosts=known,
        agent_path=None,
        config=[],
    ) as connection:
        async with connection.start_sftp_client() as sftp:
            await sftp.mkdir(there, asyncssh.SFTPAttrs(permissions=0o700))
            await sftp.put(str(file), f"{there}/{file.name}")
        await connection.run(f"python3 {there}/{file.name} --version", check=True)


async def _bring_to_all(places: list[dict[str, Any]], file: Path, folder: str) -> None:
    await asyncio.gather(*(_bring(place, file, folder) for place in places))


def main() -> None:
    """Answer until stdin ends."""
    places = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    for line in sys.stdin:
        asyncio.run(_bring_to_all(places, Path(sys.argv[2]), line.strip()))
        print("done", flush=True)


main()
