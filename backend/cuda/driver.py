"""Launches by CUDA's driver: the context that a thread needs for them, and numbers that are sent as their parameters.

CUDA has taken the parameters of a kernel when its launch returns. `cuMemcpyHtoDAsync` from pageable memory promises no
such thing: it "might be synchronous with respect to host", and is not where the device reads the pages of the host
itself. Then a buffer that is written again at once would be sent with its next content.

Source: the CUDA Driver API, "API synchronization behavior" and `cuLaunchKernel`.
"""

from __future__ import annotations

import ctypes
import threading
from typing import Any

import numpy as np

WORDS = 32  # that one launch sends
SOURCE = f"""
struct words {{ long long x[{WORDS}]; }};

extern "C" __global__ void send_words(long long* to, const words from, int count) {{
    if (threadIdx.x < count) to[threadIdx.x] = from.x[threadIdx.x];
}}
"""


class Driver:
    """The driver's launches.

    Parameters
    ----------
    cupy
        The module.
    driver
        `cupy_backends.cuda.api.driver`.
    """

    def __init__(self, cupy: Any, driver: Any) -> None:
        self.cupy, self.driver = cupy, driver
        self.threads = threading.local()
        self.senders: dict[int, Any] = {}  # by the device's number; they keep the module loaded

    def enter_thread(self) -> None:
        """Bind the device's context to this thread, which `launchKernel` does not do by itself.

        Any call of CUDA's runtime does. A thread whose first launches are kernels has made none before.
        """
        if not hasattr(self.threads, "entered"):
            self.cupy.cuda.runtime.memGetInfo()  # as CuPy's own launches do
            self.threads.entered = True

    def send(self, array: Any, host: np.ndarray) -> None:
        """The 64-bit words of `host` into `array`, on the current stream; `host` may be changed at once after."""
        self.enter_thread()
        stream, sender = self.cupy.cuda.get_current_stream(), self._sender()
        words = host.view(np.int64).tolist()
        for start in range(0, len(words), WORDS):
            part = words[start : start + WORDS]
            to = ctypes.c_uint64(array.data.ptr + 8 * start)
            parameters = (to, (ctypes.c_int64 * WORDS)(*part), ctypes.c_int32(len(part)))
            pointers = (ctypes.c_void_p * 3)(*[ctypes.addressof(x) for x in parameters])
            self.driver.launchKernel(
                sender.ptr, 1, 1, 1, WORDS, 1, 1, 0, stream.ptr, ctypes.addressof(pointers), 0
            )

    def _sender(self) -> Any:
        """The kernel on the current device, compiled at its first use."""
        device = self.cupy.cuda.runtime.getDevice()
        sender = self.senders.get(device)
        if sender is None:
            module = self.cupy.RawModule(code=SOURCE, options=("--std=c++17",))
            sender = self.senders[device] = module.get_function("send_words").kernel
        return sender
