#!/usr/bin/env python3
"""A client of qmp-gateway in one file, for Python 3.9 or later with `websockets` 10 or later (Debian: python3-websockets).

As a library:

    async with connect("ws://127.0.0.1:7070/v1") as gateway:
        print(await gateway.call("job.abort", source="vm1", job="drive0", sync=True, timeoutMs=30000))

    async for cursor, event in events("ws://127.0.0.1:7070/v1", types=["GATEWAY_JOB_SETTLED"], after=kept):
        handle(event)
        keep(cursor)        # with it a later start goes on after this event

As a program:

    qmp_gateway.py outcomes [--cursor FILE]     each job's end, once, also over lost lines and restarts of this program
    qmp_gateway.py abort SOURCE JOB             stops a job and says how it ended

docs/PROTOCOL.md has every method, event and error.
"""

from __future__ import annotations

import argparse
import asyncio
import collections
import contextlib
import itertools
import json
import os
import random
import sys
import time
from typing import Any, AsyncIterator, Callable, Optional

import websockets

SUBPROTOCOL = "qmp-gateway.v1"
# Seconds without a frame after which the line is dead: the gateway sends a bookmark every 15 s.
SILENCE_S = 40.0
# The first retry comes within a random part of the first, each further one of twice as much, up to the second.
RETRY_S, RETRY_MAX_S = 1.0, 30.0
# Notifications that are kept for who does not take them, and while an answer is awaited.
HELD, HELD_MAX = 64, 4096
# Seconds open after which a connection counts as a good one.
HEALTHY_S = 10.0
# The client has a bug, or needs other credentials: to connect again would end the same way.
FINAL_CLOSES = {1002, 1003, 1007, 1008, 1009, 4401, 4403, 4408}
FINAL_STATUS = {400, 401, 403, 404}


class GatewayError(Exception):
    """The gateway refused a request. `reason` is the stable name (`JOB_NOT_FOUND`, `TIMEOUT`, …), `data` its further members."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(error["message"])
        self.data: dict[str, Any] = error.get("data", {})
        self.reason: str = self.data.get("reason", "UNKNOWN")


class LineLost(Exception):
    """The connection ended. What a call asked for may have been done. `final`: to connect again would end the same way."""

    def __init__(self, why: str, final: bool = False, retry_after_s: float = 0.0) -> None:
        super().__init__(why)
        self.final = final
        self.retry_after_s = retry_after_s


class Gap(Exception):
    """Events may be missing: the position has left the gateway's log, or its log is another one.

    `cursor` is where the stream goes on, `jobs` and `settled` are the present there: live jobs, and how others ended in the last 24 h.
    """

    def __init__(self, reason: str, present: dict[str, Any]) -> None:
        super().__init__(reason)
        self.reason = reason
        self.cursor: str = present["cursor"]
        self.jobs: list[dict[str, Any]] = present.get("jobs", [])
        self.settled: list[dict[str, Any]] = present.get("settled", [])


class Connection:
    """One WebSocket. Made by `connect`."""

    def __init__(self, socket: Any) -> None:
        self._socket = socket
        self._ids = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._notifications: collections.deque[tuple[str, dict[str, Any]]] = collections.deque()
        self._arrived = asyncio.Event()
        self._wanted = asyncio.Event()
        self._end: Optional[LineLost] = None
        self._retry_after_s = 0.0
        self._reader = asyncio.ensure_future(self._read())

    async def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Calls a method of docs/PROTOCOL.md. Raises GatewayError for a refusal and LineLost where the connection ends before the answer."""
        if self._end is not None:
            raise self._end
        request = next(self._ids)
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting[request] = answer
        self._wanted.set()
        try:
            await self._socket.send(json.dumps({"jsonrpc": "2.0", "id": request, "method": method, "params": params}))
            return await answer
        except websockets.exceptions.ConnectionClosed as closed:
            raise self._lost(closed) from closed
        finally:
            self._waiting.pop(request, None)

    async def notification(self) -> tuple[str, dict[str, Any]]:
        """The next one that a subscription brings, or the newest bookmark. Raises LineLost once none is left and the connection has ended."""
        while not self._notifications:
            if self._end is not None:
                raise self._end
            self._arrived.clear()
            await self._arrived.wait()
        self._wanted.set()
        return self._notifications.popleft()

    async def close(self) -> None:
        self._reader.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._reader
        await self._socket.close()

    async def _read(self) -> None:
        try:
            while True:
                message = json.loads(await asyncio.wait_for(self._socket.recv(), SILENCE_S))
                method = message.get("method")
                if method is None:
                    self._answer(message)
                elif method == "bye":
                    self._retry_after_s = message["params"]["retryAfterMs"] / 1000
                else:
                    await self._keep(method, message["params"])
        except asyncio.TimeoutError:
            self._end = LineLost(f"nothing came for {SILENCE_S:.0f} s")
        except websockets.exceptions.ConnectionClosed as closed:
            self._end = self._lost(closed)
        finally:
            end = self._end or LineLost("closed here")
            self._end = end
            self._arrived.set()
            for answer in self._waiting.values():
                if not answer.done():
                    answer.set_exception(end)

    async def _keep(self, method: str, params: dict[str, Any]) -> None:
        self._drop_bookmark()
        self._notifications.append((method, params))
        self._arrived.set()
        # Who does not take what was subscribed makes the gateway wait, not this process grow; but an answer that is awaited comes behind it.
        while len(self._notifications) >= HELD and not self._waiting:
            self._wanted.clear()
            await self._wanted.wait()
        if len(self._notifications) >= HELD_MAX:
            self._end = LineLost(f"{HELD_MAX} notifications were not taken while a call waited")
            raise asyncio.CancelledError

    def _drop_bookmark(self) -> None:
        if self._notifications and self._notifications[-1][0] == "bookmark":
            self._notifications.pop()

    def _answer(self, message: dict[str, Any]) -> None:
        # One that came before the answer to a subscribe is not about that subscription.
        self._drop_bookmark()
        answer = self._waiting.get(message["id"])
        if answer is None or answer.done():
            return
        if "error" in message:
            answer.set_exception(GatewayError(message["error"]))
        else:
            answer.set_result(message["result"])

    def _lost(self, closed: websockets.exceptions.ConnectionClosed) -> LineLost:
        code = closed.rcvd.code if closed.rcvd is not None else 1006
        reason = closed.rcvd.reason if closed.rcvd is not None else "connection lost"
        return LineLost(f"closed with {code}: {reason}", code in FINAL_CLOSES, self._retry_after_s)


@contextlib.asynccontextmanager
async def connect(url: str = "ws://127.0.0.1:7070/v1", token: Optional[str] = None) -> AsyncIterator[Connection]:
    """A connection, authenticated where there is a token. Raises LineLost where none is to be had, and GatewayError for a wrong token."""
    try:
        # The gateway pings; its bookmarks tell this side that the line lives.
        socket = await websockets.connect(url, subprotocols=[SUBPROTOCOL], max_size=None, ping_interval=None, open_timeout=10)
    except websockets.exceptions.InvalidHandshake as refused:
        status = getattr(refused, "status_code", None) or getattr(getattr(refused, "response", None), "status_code", None)
        raise LineLost(f"refused: {refused}", status in FINAL_STATUS) from refused
    except websockets.exceptions.InvalidURI as wrong:
        raise LineLost(f"{wrong}", True) from wrong
    except (OSError, asyncio.TimeoutError) as error:
        raise LineLost(f"no gateway at {url}: {error}") from error
    connection = Connection(socket)
    try:
        if token is not None:
            await connection.call("authenticate", token=token)
        yield connection
    finally:
        await connection.close()


async def events(
    url: str = "ws://127.0.0.1:7070/v1",
    token: Optional[str] = None,
    after: Optional[str] = None,
    on_gap: Optional[Callable[[Gap], None]] = None,
    on_lost: Optional[Callable[[LineLost], None]] = None,
    on_position: Optional[Callable[[str], None]] = None,
    **filter: Any,
) -> AsyncIterator[tuple[str, dict[str, Any]]]:
    """Events with their cursors, each once and in order, across lost connections.

    `filter`: `sources`, `types`, `jobs`, lists of globs. `after`: the cursor of the last event that an earlier start has handled; without it the stream
    begins now. `on_position` is called with the position where it moves without an event: at the beginning, and with bookmarks. Where events may be missing `on_gap` is called, and without `on_gap` the Gap is raised. `on_lost` is called before each new
    attempt to connect. Raises LineLost where it is final.
    """
    attempt = 0
    while True:
        began = time.monotonic()
        try:
            async with connect(url, token) as gateway:
                reply = await gateway.call("subscribe", **filter, **({"after": after} if after else {"snapshot": False}))
                if after is not None and not reply["resumed"]:
                    report(Gap(gap_reason(after, reply["cursor"]), await whole(gateway, reply)), on_gap)
                after = moved(reply["cursor"], on_position)
                while True:
                    method, params = await gateway.notification()
                    if method == "bookmark":
                        after = moved(params["cursor"], on_position)
                    elif method == "events":
                        epoch = params["cursor"].split(":")[0]
                        *others, last = params["events"]
                        for event in others:
                            after = f"{epoch}:{event['offset']}"
                            yield after, event
                        # The last event's cursor is the position up to which everything that matches is here.
                        after = params["cursor"]
                        yield after, last
                    elif method == "reset":
                        report(Gap(params["reason"], await whole(gateway, params)), on_gap)
                        after = params["cursor"]
        except LineLost as lost:
            if lost.final:
                raise
            if on_lost is not None:
                on_lost(lost)
            attempt = 0 if time.monotonic() - began > HEALTHY_S else attempt + 1
            # Full jitter: after a restart not all clients come at once.
            await asyncio.sleep(lost.retry_after_s + random.random() * min(RETRY_MAX_S, RETRY_S * 2 ** min(attempt, 16)))


def report(gap: Gap, on_gap: Optional[Callable[[Gap], None]]) -> None:
    if on_gap is None:
        raise gap
    on_gap(gap)


def moved(cursor: str, on_position: Optional[Callable[[str], None]]) -> str:
    if on_position is not None:
        on_position(cursor)
    return cursor


def gap_reason(after: str, cursor: str) -> str:
    return "retention" if after.split(":")[0] == cursor.split(":")[0] else "epoch"


async def whole(gateway: Connection, present: dict[str, Any]) -> dict[str, Any]:
    """A snapshot of several pages as one."""
    if "pages" not in present:
        return present
    jobs: list[Any] = []
    settled: list[Any] = []
    while True:
        method, params = await gateway.notification()
        if method == "snapshot":
            jobs += params["jobs"]
            settled += params["settled"]
            if params["last"]:
                return {**present, "jobs": jobs, "settled": settled}


async def print_outcomes(url: str, token: Optional[str], file: Optional[str]) -> None:
    def keep(cursor: str) -> None:
        if file is not None:
            with open(f"{file}.new", "w") as kept:
                kept.write(cursor)
            os.replace(f"{file}.new", file)

    def on_gap(gap: Gap) -> None:
        print(f"gap: {gap.reason}", flush=True)
        for run in gap.settled:
            print(f"known {run['source']} {run['job']} {run['settled']['outcome']}", flush=True)
        keep(gap.cursor)

    def on_lost(lost: LineLost) -> None:
        print(f"{lost}; trying again", file=sys.stderr, flush=True)

    after = None
    if file is not None and os.path.exists(file):
        with open(file) as kept:
            after = kept.read().strip() or None
    async for cursor, event in events(url, token, after, on_gap, on_lost, keep, types=["GATEWAY_JOB_SETTLED"]):
        print(f"settled {event['source']} {event['job']['id']} {event['data']['outcome']}", flush=True)
        keep(cursor)


async def abort(url: str, token: Optional[str], source: str, job: str, timeout_s: float) -> int:
    async with connect(url, token) as gateway:
        try:
            result = await gateway.call("job.abort", source=source, job=job, sync=True, timeoutMs=round(timeout_s * 1000))
        except GatewayError as refused:
            print(f"{refused.reason}: {refused}", file=sys.stderr)
            return 3 if refused.reason == "TIMEOUT" else 1
        print(f"{result['outcome']} ({result['provenance']}), pivoted: {result['pivoted']}")
        return 0


def main() -> int:
    parser = argparse.ArgumentParser(description="A client of qmp-gateway.")
    parser.add_argument("--url", default=os.environ.get("QMP_GATEWAY_WS_URL", "ws://127.0.0.1:7070/v1"))
    parser.add_argument("--token", default=os.environ.get("QMP_GATEWAY_TOKEN"))
    commands = parser.add_subparsers(dest="command", required=True)
    outcomes = commands.add_parser("outcomes", help="print how each job ended, until interrupted")
    outcomes.add_argument("--cursor", metavar="FILE", help="keep the position there, and go on from it")
    stop = commands.add_parser("abort", help="stop a job, and say how it ended")
    stop.add_argument("source")
    stop.add_argument("job")
    stop.add_argument("--timeout", type=float, default=30.0, metavar="SECONDS")
    given = parser.parse_args()
    try:
        if given.command == "abort":
            return asyncio.run(abort(given.url, given.token, given.source, given.job, given.timeout))
        asyncio.run(print_outcomes(given.url, given.token, given.cursor))
    except (LineLost, GatewayError, Gap) as error:
        print(error, file=sys.stderr)
        return 4 if isinstance(error, LineLost) else 1
    except BrokenPipeError:
        # `| head` has what it wanted; the interpreter would write the rest at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        pass
    return 0


if __name__ == "__main__":
    sys.exit(main())
