"""Measures, inside a Home Assistant process, how long its event loop stands still.

`GET /api/loop_meter` answers what was seen since the last time it was asked.
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

DOMAIN: Final = "loop_meter"
TICK: Final = 0.001  # seconds
LATE: Final = 0.02  # seconds; whoever holds up the loop for longer is noted
KEPT: Final = 12  # of the longest stalls
FRAMES: Final = 6


class LoopMeter:
    """Ticks in the loop, watches the ticks from a thread."""

    def __init__(self) -> None:
        self._loop_thread = threading.get_ident()
        self._ticked = time.perf_counter()
        self._where = ""
        self._collecting = 0.0
        self.forget()
        gc.callbacks.append(self._on_collection)
        threading.Thread(target=self._watch, daemon=True).start()

    def forget(self) -> None:
        """Start anew."""
        self._stalls: list[tuple[float, str]] = []
        self._over_50 = 0
        self._collection = 0.0
        self._started = time.perf_counter()
        self._cpu = time.process_time()
        with contextlib.suppress(OSError):
            Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
        self._idle = _memory("VmRSS")

    async def tick(self) -> None:
        """Come back every millisecond, and note when that took longer."""
        while True:
            self._ticked, computed = time.perf_counter(), time.process_time()
            await asyncio.sleep(TICK)
            late = time.perf_counter() - self._ticked - TICK
            # What other processes take of the machine is nobody's fault here.
            late = min(late, time.process_time() - computed)
            if late > LATE:
                self._over_50 += late > 0.05
                self._stalls.append((late * 1000, self._where))
                self._stalls = sorted(self._stalls, reverse=True)[:KEPT]
            elif not self._stalls or late * 1000 > self._stalls[0][0]:
                self._stalls.insert(0, (late * 1000, ""))
            self._where = ""

    def _watch(self) -> None:
        while True:
            time.sleep(LATE / 4)
            if time.perf_counter() - self._ticked > LATE and not self._where:
                frame = sys._current_frames().get(self._loop_thread)  # noqa: SLF001 - what it is for
                stack = traceback.extract_stack(frame, FRAMES) if frame is not None else []
                self._where = " < ".join(
                    f"{Path(one.filename).name}:{one.lineno} {one.name}" for one in reversed(stack)
                )

    def _on_collection(self, phase: str, _info: dict[str, int]) -> None:
        now = time.perf_counter()
        if phase == "start":
            self._collecting = now
        else:
            self._collection = max(self._collection, now - self._collecting)

    def told(self) -> dict[str, Any]:
        """Return what was seen: milliseconds, MiB and seconds."""
        return {
            "stall": max((late for late, _ in self._stalls), default=0.0),
            "over_50": self._over_50,
            "stalls": self._stalls,
            "collection": self._collection * 1000,
            "idle": self._idle,
            "peak": max(0.0, _memory("VmHWM") - self._idle),
            "wall": time.perf_counter() - self._started,
            "cpu": time.process_time() - self._cpu,
        }


def _memory(kind: str) -> float:
    try:
        told = Path("/proc/self/status").read_text(encoding="ascii")
    except OSError:
        return 0.0
    found = re.search(rf"{kind}:\s+(\d+) kB", told)
    return int(found[1]) / 1024 if found else 0.0


class LoopMeterView(HomeAssistantView):
    """Answers what was seen."""

    url = "/api/loop_meter"
    name = "api:loop_meter"

    def __init__(self, meter: LoopMeter) -> None:
        self._meter = meter

    async def get(self, _request: web.Request) -> web.Response:
        """Return what was seen since the last time, and start anew."""
        told = self._meter.told()
        self._meter.forget()
        return self.json(told)


async def async_setup(hass: HomeAssistant, _config: ConfigType) -> bool:
    """Start to measure."""
    meter = LoopMeter()
    _ = hass.async_create_background_task(meter.tick(), DOMAIN)
    hass.http.register_view(LoopMeterView(meter))
    return True
