"""Pieces of kernels in vectors of the machine, written in LLVM's language as functions that kernels call by name.

numba's loops are vectorised by LLVM, but which elements stay in registers is not for their source to say; these pieces
say it. `products.py` has the products and the transposed blocks, `windows.py` the maxima of windows, `tiles.py` the
transforms of Winograd's tiles.
"""

from __future__ import annotations

import functools
import hashlib
import inspect
import sys
from collections.abc import Callable
from typing import Any

from ..jit import Routine


@functools.cache
def block_shape() -> tuple[int, int]:
    """The rows of a product's block and the bytes of a vector, for the registers of this machine."""
    features = _features()
    if features.get("avx512f"):
        return 14, 64
    if features.get("avx2"):
        return 6, 32
    return (8 if features.get("neon") else 6), 16


def _features() -> dict[str, bool]:
    """What the processor has that numba compiles for: this one, or that of ``NUMBA_CPU_FEATURES``."""
    try:
        from llvmlite import binding
        from numba.core import config as settings

        config: Any = settings  # its names are made when it is imported
        # empty for ``NUMBA_CPU_NAME=generic``
        if config.CPU_FEATURES is not None:
            return {name[1:]: name[0] == "+" for name in config.CPU_FEATURES.split(",") if name}
        found = dict(binding.get_host_cpu_features())
    # numba cannot be imported, which `numba_kernels.py` says, or LLVM does not know this processor
    except (ImportError, RuntimeError):
        return {}
    return {name: on for name, on in found.items() if config.ENABLE_AVX or name[:3] != "avx"}


class Piece(Routine):
    """A function that is written in LLVM's language, and that kernels call by its name.

    Parameters
    ----------
    name : str
        What kernels call it.
    make : callable
        What makes numba's intrinsic, of `sizes`: a function of a module, which kernels import it from.
    sizes : callable
        Gives the numbers that `make` takes. They are those of this machine, so that they are asked for where a kernel
        is compiled.
    """

    def __init__(
        self, name: str, make: Callable[..., Any], sizes: Callable[[], tuple[Any, ...]]
    ) -> None:
        super().__init__(name)
        self.make, self.sizes = make, sizes

    def text(self) -> str:
        """The lines that define it; with a checksum of its source, so that a kernel of an older one is not reused."""
        maker = self.make.__name__
        return (
            f"from {self.make.__module__} import {maker}\n"
            f"{self.name} = {maker}({', '.join(map(str, self.sizes()))})  # {_checksum(self.make.__module__)}\n"
        )


@functools.cache
def _checksum(module: str) -> str:
    """Of a module of pieces, and of this one, which it uses."""
    sources = "".join(inspect.getsource(sys.modules[name]) for name in (module, __name__))
    return hashlib.sha256(sources.encode()).hexdigest()[:16]


def vector_bytes() -> tuple[int]:
    """The bytes of a vector, alone: what most pieces are made of."""
    return (block_shape()[1],)


def vectors(
    context: Any, builder: Any, signature: Any, arguments: Any, bits: int, lanes: int
) -> tuple[Any, Any, Any, Any]:
    """LLVM's types of a number and a vector, an array's address, and what loads a vector."""
    from llvmlite import ir

    number = ir.FloatType() if bits == 32 else ir.DoubleType()
    vector = ir.VectorType(number, lanes)

    def address(k: int) -> Any:
        array = context.make_array(signature.args[k])(context, builder, arguments[k])
        return builder.ptrtoint(array.data, ir.IntType(64))

    def load(place: Any) -> Any:
        value = builder.load(builder.inttoptr(place, vector.as_pointer()))
        value.align = bits // 8
        return value

    return number, vector, address, load


def repeated(builder: Any, x: Any, vector: Any) -> Any:
    """A number in all lanes."""
    from llvmlite import ir

    whole = ir.IntType(32)
    undefined = ir.Constant(vector, ir.Undefined)
    x = builder.insert_element(undefined, x, whole(0))
    zeros = ir.Constant(ir.VectorType(whole, vector.count), [0] * vector.count)
    return builder.shuffle_vector(x, undefined, zeros)
