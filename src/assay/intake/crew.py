"""Worker processes for unpacking: starts them, watches what they cost, ends them."""

import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from assay.intake.limits import Limits

_TICK_SECONDS = 0.2
_TICK_SHARE = 20  # a look at the disk may take a twentieth of the time

Request = tuple[Path, Path]
Watch = Callable[[Path], str]
"""Given the folder that a worker writes to: why it must stop, or nothing."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one request. `entered` is the region that the worker was in when it ended
    without an answer; `broken` says why it did."""

    path: Path
    out: Path
    regions: tuple[dict[str, Any], ...] = ()
    problems: tuple[dict[str, Any], ...] = ()
    broken: str = ""
    entered: dict[str, Any] | None = None


@dataclass(slots=True)
class _Hand:
    process: "subprocess.Popen[bytes]"
    request: Request | None = None
    since: float = 0.0
    next_look: float = 0.0
    entered: dict[str, Any] | None = None
    buffer: bytearray = field(default_factory=bytearray)


class Crew:
    """Up to `count` workers, started when there is work; use as a context manager."""

    def __init__(self, count: int, scratch: Path, limits: Limits, watch: Watch) -> None:
        self._count = count
        self._scratch = scratch
        self._limits = limits
        self._watch = watch
        self._hands: list[_Hand] = []
        self._waiting: deque[Request] = deque()
        self._selector = selectors.DefaultSelector()

    def __enter__(self) -> "Crew":
        return self

    def __exit__(self, *_: object) -> None:
        for hand in list(self._hands):
            self._dismiss(hand)
        self._selector.close()

    def submit(self, path: Path, out: Path) -> None:
        """Ask for a file to be looked into, its contents to be written below `out`."""
        self._waiting.append((path, out))

    def answers(self) -> Iterator[Answer]:
        """Answers as they come, until nothing is waiting or under way."""
        while self._waiting or any(hand.request for hand in self._hands):
            self._hand_out()
            yield from self._collect()

    def _hand_out(self) -> None:
        for hand in self._hands:
            if self._waiting and hand.request is None:
                self._give(hand, self._waiting.popleft())
        while self._waiting and len(self._hands) < self._count:
            hand = self._hire()
            self._give(hand, self._waiting.popleft())

    def _hire(self) -> _Hand:
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "assay.intake.start",
                str(self._scratch),
                self._limits.model_dump_json(),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=_environment(),
            start_new_session=True,
        )
        hand = _Hand(process)
        self._selector.register(_pipe(process.stdout), selectors.EVENT_READ, hand)
        self._hands.append(hand)
        return hand

    def _give(self, hand: _Hand, request: Request) -> None:
        hand.request, hand.since, hand.entered = request, time.monotonic(), None
        line = json.dumps({"path": str(request[0]), "out": str(request[1])}) + "\n"
        with suppress(BrokenPipeError):  # its end is noticed while collecting
            pipe = _pipe(hand.process.stdin)
            pipe.write(line.encode())
            pipe.flush()

    def _collect(self) -> Iterator[Answer]:
        for key, _ in self._selector.select(_TICK_SECONDS):
            hand: _Hand = key.data
            data = os.read(key.fd, 1 << 20)
            if data:
                yield from self._read(hand, data)
            else:
                yield self._lose(hand, "the unpacker's process ended")
        for hand in list(self._hands):
            if hand.request and (why := self._overdue(hand)):
                yield self._lose(hand, why)

    def _read(self, hand: _Hand, data: bytes) -> Iterator[Answer]:
        seen = len(hand.buffer)  # a listing may have millions of bytes: none is searched twice
        hand.buffer += data
        while (end := hand.buffer.find(b"\n", seen)) >= 0:
            seen = 0
            message = json.loads(hand.buffer[:end])
            del hand.buffer[: end + 1]
            if "entered" in message:
                hand.entered = message
            elif hand.request:
                path, out = hand.request
                hand.request = None
                yield _answer(path, out, message["answer"])

    def _overdue(self, hand: _Hand) -> str:
        if hand.request is None:
            return ""
        now = time.monotonic()
        if now - hand.since > self._limits.seconds:
            return f"stopped at the limit of {self._limits.seconds:.0f} s"
        if now < hand.next_look:
            return ""
        why = self._watch(hand.request[1])
        # The more files lie there, the longer a look takes: seldom looks keep the whole linear.
        hand.next_look = now + (time.monotonic() - now) * _TICK_SHARE
        return why

    def _lose(self, hand: _Hand, why: str) -> Answer:
        path, out = hand.request or (Path(), Path())
        entered = hand.entered
        self._dismiss(hand)
        return Answer(path, out, broken=why, entered=entered)

    def _dismiss(self, hand: _Hand) -> None:
        self._hands.remove(hand)
        self._selector.unregister(_pipe(hand.process.stdout))
        with suppress(ProcessLookupError):
            os.killpg(hand.process.pid, signal.SIGKILL)
        hand.process.wait()
        _pipe(hand.process.stdout).close()
        with suppress(BrokenPipeError):
            _pipe(hand.process.stdin).close()


def _answer(path: Path, out: Path, answer: dict[str, Any]) -> Answer:
    return Answer(
        path,
        out,
        tuple(answer.get("regions", ())),
        tuple(answer.get("problems", ())),
        answer.get("broken", ""),
    )


def _environment() -> dict[str, str]:
    """What a worker may know: where programs and our own code are, and a fixed locale and zone."""
    programs = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    return {
        "PATH": programs,
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    if stream is None:
        raise RuntimeError("worker without pipes")
    return stream
