"""A hundred writes and reads at once, with asyncio."""

import asyncio
import os
import time
from uuid import uuid4

from themis import AsyncThemisClient


async def main() -> None:
    endpoint = os.environ.get("THEMIS_ENDPOINT", "http://127.0.0.1:8080")
    async with AsyncThemisClient([endpoint], namespace="samples") as client:
        uuids = [str(uuid4()) for _ in range(100)]
        began = time.perf_counter()
        async with asyncio.TaskGroup() as tasks:
            for number, uuid in enumerate(uuids):
                tasks.create_task(client.put("document", "notes", uuid, {"number": number}))
        print(f"{len(uuids)} writes, each durable, in {time.perf_counter() - began:.3f} s")

        notes = await asyncio.gather(*(client.get("document", "notes", uuid) for uuid in uuids))
        print("read back:", sum(note is not None for note in notes))

        async for entity in client.iterate("notes", page_size=50):
            print("the first by key:", entity.urn.uuid, entity.doc)
            break
        await client.batch_delete("document", "notes", uuids)


if __name__ == "__main__":
    asyncio.run(main())
