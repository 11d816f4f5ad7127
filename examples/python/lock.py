# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: grelmicro contributors
import asyncio

import gbulb
import gi

gi.require_version("Grelmicro", "1")
from gi.repository import Grelmicro

lock = Grelmicro.Lock("cart")


def work():
    with lock.from_thread as lease:
        print("worker thread: token", lease.get_fencing_token())


async def main():
    async with Grelmicro.App():
        async with lock as lease:
            print("event loop: token", lease.get_fencing_token())
        await asyncio.to_thread(work)


gbulb.install()
asyncio.run(main())
