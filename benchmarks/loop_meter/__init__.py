"""Measures event loop stalls inside a Home Assistant process.

`GET /api/loop_meter` returns the figures since the previous request. With `?collect=1` it runs a
full garbage collection and returns its duration and the number of objects.
"""

import asyncio
import contextlib
import gc
from pathlib import Path
import re
import sys
import threading
import time
import traceback
from typing import Any, Final

from aiohttp import web
from homeassistant.core import HomeAssistant
from homeassistant.helpers.http import HomeAssistantView
from homeassistant.helpers.typing import ConfigType

from .stalls import Collection, Stall, collecting, longest_full

DOMAIN: Final = "loop_meter"
TICK: Final = 0.001  # seconds
LATE: Final = 0.02  # seconds; longer stalls are recorded
KEPT: Final = 12  # longest stalls kept
RECENT: Final = 64  # collections kept, to find those of the last tick
FRAMES: Final = 6


class LoopMeter:
    """Ticks in the loop and watches the ticks from a thread."""

    def __init__(self) -> None:
        self._loop_thread = threading.get_ident()
        self._ticked, self._computed = time.perf_counter(), time.process_time()
        self._own, self._collected = time.thread_time(), 0.0
        self._where = ""
        self._collecting: float | None = None  # when the current collection began
        self.forget()
        gc.callbacks.append(self._on_collection)
        threading.Thread(target=self._watch, daemon=True).start()

    def forget(self) -> None:
        """Reset all figures."""
        self._stalls: list[Stall] = []  # the longest
        self._over_50 = 0
        self._apart = 0.0  # the longest without collections
        self._step = 0.0  # the longest computation of the loop's own thread
        self._collections: list[Collection] = []
        self._started = time.perf_counter()
        self._cpu = time.process_time()
        with contextlib.suppress(OSError):
            Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
        self._idle = _memory("VmRSS")

    async def tick(self) -> None:
        """Tick every millisecond, and record when that took longer."""
        while True:
            self._ticked, self._computed = time.perf_counter(), time.process_time()
            self._own, self._collected = time.thread_time(), 0.0
            await asyncio.sleep(TICK)
            self._pass(time.perf_counter())
            self._where = ""

    def _pass(self, now: float) -> None:
        """Record how long the loop has stalled; time before the last `forget` does not count."""
        began = max(self._ticked, self._started)
        # Time taken by other processes on the machine does not count.
        computed = time.process_time() - max(self._computed, self._cpu)
        late = max(0.0, min(now - began - TICK, computed))
        recent = self._collections[-RECENT:]
        # The loop may run before the collecting thread can report the end of its collection.
        if self._collecting is not None:
            recent.append(Collection(self._collecting, now, 0))
        self._note(Stall(late, collecting(recent, began, now), self._where))
        # Waiting for the interpreter's lock, which threads hold in turn, does not count.
        self._step = max(self._step, time.thread_time() - self._own - self._collected)

    def _note(self, stall: Stall) -> None:
        self._apart = max(self._apart, stall.apart)
        self._over_50 += stall.seconds > 0.05
        if stall.seconds > LATE or not self._stalls or stall.seconds > self._stalls[0].seconds:
            self._stalls = sorted((*self._stalls, stall), key=_seconds, reverse=True)[:KEPT]

    def _watch(self) -> None:
        while True:
            time.sleep(LATE / 4)
            if time.perf_counter() - self._ticked > LATE and not self._where:
                frame = sys._current_frames().get(self._loop_thread)  # noqa: SLF001 - the documented use
                stack = traceback.extract_stack(frame, FRAMES) if frame is not None else []
                self._where = " < ".join(
                    f"{Path(one.filename).name}:{one.lineno} {one.name}" for one in reversed(stack)
                )

    def _on_collection(self, phase: str, info: dict[str, int]) -> None:
        if threading.get_ident() == self._loop_thread:
            self._collected += time.thread_time() * (1 if phase == "stop" else -1)
        now = time.perf_counter()
        if phase == "start":
            self._collecting = now
        elif self._collecting is not None:
            self._collections.append(Collection(self._collecting, now, info["generation"]))
            self._collecting = None

    def status(self) -> dict[str, Any]:
        """Return the figures: milliseconds, MiB and seconds."""
        self._pass(time.perf_counter())  # the current tick may already be late
        full, longest = longest_full(self._collections)
        return {
            "stall": max((one.seconds for one in self._stalls), default=0.0) * 1000,
            "over_50": self._over_50,
            "apart": self._apart * 1000,
            "step": self._step * 1000,
            "stalls": [
                (one.seconds * 1000, one.collecting * 1000, one.where) for one in self._stalls
            ],
            "full": full,
            "collection": longest * 1000,
            "idle": self._idle,
            "peak": max(0.0, _memory("VmHWM") - self._idle),
            "wall": time.perf_counter() - self._started,
            "cpu": time.process_time() - self._cpu,
        }


def _seconds(stall: Stall) -> float:
    return stall.seconds


def heap() -> dict[str, float]:
    """Run a full collection; return its milliseconds and the number of tracked objects."""
    began = time.perf_counter()
    gc.collect()
    took = time.perf_counter() - began
    return {"milliseconds": took * 1000, "objects": len(gc.get_objects())}


def _memory(kind: str) -> float:
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
    except OSError:
        return 0.0
    found = re.search(rf"{kind}:\s+(\d+) kB", status)
    return int(found[1]) / 1024 if found else 0.0


class LoopMeterView(HomeAssistantView):
    """Returns the figures."""

    url = "/api/loop_meter"
    name = "api:loop_meter"

    def __init__(self, meter: LoopMeter) -> None:
        self._meter = meter

    async def get(self, request: web.Request) -> web.Response:
        """Return the figures since the last request, or of a collection; then reset them."""
        status = heap() if request.query.get("collect") == "1" else self._meter.status()
        self._meter.forget()
        return self.json(status)


async def async_setup(hass: HomeAssistant, _config: ConfigType) -> bool:
    """Start measuring."""
    meter = LoopMeter()
    _ = hass.async_create_background_task(meter.tick(), DOMAIN)
    hass.http.register_view(LoopMeterView(meter))
    return True
