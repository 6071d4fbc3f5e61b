"""Memory that was freed and is still held by this process."""

from __future__ import annotations

import ctypes
import os
import sys


def keep_little() -> None:
    """From here on Arrow takes its memory from jemalloc, where it was built with it: mimalloc, its
    default, keeps what other threads have freed. A large plan held a fifth more. Before Arrow is
    loaded it does so for what C++ alone allocates, too.

    Source: Apache Arrow, `ARROW_DEFAULT_MEMORY_POOL`.
    """
    if sys.platform == "linux":  # elsewhere Arrow may lack it, and would say so
        os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "jemalloc")
    import pyarrow as pa

    if "jemalloc" in pa.supported_memory_backends():
        pa.set_memory_pool(pa.jemalloc_memory_pool())


def give_back() -> None:
    """Gives the system what was freed: Arrow keeps pages in case it needs them again, and glibc
    what lies below the newest allocation. A large plan held a quarter more than it used.

    Source: mallopt(3) and malloc_trim(3); Apache Arrow, `MemoryPool.release_unused`.
    """
    if "pyarrow" in sys.modules:
        sys.modules["pyarrow"].default_memory_pool().release_unused()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # other C libraries have none
    if trim is not None:
        trim(0)
