"""The machine that this process runs on, in Node's words."""

from __future__ import annotations

import os
import platform
from typing import Any


def all_threads() -> int:
    """Processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def processor() -> str:
    """The processor's name."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            for line in file:
                if line.startswith("model name"):
                    return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or "unknown processor"


def platform_of() -> dict[str, Any]:
    """Core's `platform`."""
    machine = platform.machine()
    try:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        memory = 0
    return {
        "os": f"{platform.system()} {platform.release()}",
        "arch": {"x86_64": "x64", "AMD64": "x64", "aarch64": "arm64"}.get(machine, machine),
        "cores": os.cpu_count() or 1,
        "memoryBytes": memory,
    }


def peak_rss_bytes() -> int | None:
    """Peak resident memory so far; None where the system does not tell."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if platform.system() == "Darwin" else peak * 1024
