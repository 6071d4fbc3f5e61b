"""Processes beside those that answer calls."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

NICE = 10  # beside a busy endpoint a tenth of its share (sched(7)); alone, everything
SET_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of linux/prctl.h


def end_with_parent() -> None:
    """This process is told to end when its parent is gone, however that ended.

    A worker whose parent was killed would keep the port. Nothing outside of Linux.
    """
    if sys.platform != "linux":
        return
    parent = os.getppid()
    ctypes.CDLL(None).prctl(SET_DEATH_SIGNAL, signal.SIGTERM)
    if os.getppid() != parent:  # gone before that
        os.kill(os.getpid(), signal.SIGTERM)
