# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: grelmicro contributors
"""The bank: in real life somebody else's service. It listens on a port of its own.

POST /charge           charges a customer
POST /bank?mode=MODE   makes it fail or recover; MODE is up, down or slow
GET  /bank             tells its mode, and how often it was asked to charge
"""

import asyncio

from shop_http import Server

MODES = ("up", "down", "slow")
DELAY = 3  # of a slow answer, in seconds: nobody waits any more


class Bank:
    def __init__(self):
        self.mode = "up"
        self.charges = 0  # that it was asked for, whatever became of them
        self.server = Server(self.find_answer)

    async def charge(self):
        self.charges += 1
        receipt = self.charges
        if self.mode == "down":
            return 500, {"error": "Out of order"}, {}
        if self.mode == "slow":
            await asyncio.sleep(DELAY)
        return 200, {"receipt": receipt}, {}

    def set_mode(self, mode):
        if mode not in MODES:
            return 400, {"error": f"mode: must be one of {', '.join(MODES)}"}, {}
        self.mode = mode
        return self.describe()

    def describe(self):
        return 200, {"mode": self.mode, "charges": self.charges}, {}

    async def find_answer(self, route, query):
        if route == "POST /charge":
            return await self.charge()
        if route == "POST /bank":
            return self.set_mode(query.get("mode"))
        if route == "GET /bank":
            return self.describe()
        return 404, {"error": "No such route"}, {}
