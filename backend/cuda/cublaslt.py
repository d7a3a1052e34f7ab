"""Matrix products by cuBLASLt, with the bias, the relu and their gradients inside the product.

Through the bindings of nvmath-python, imported where the first product is bound and only if they are installed. As in
`cublas.py` the library sees ``Cᵀ = Bᵀ Aᵀ``: its rows are our columns, so a bias vector runs along our columns.

Source: `cublasLt.h` of CUDA 13.
"""

from __future__ import annotations

import ctypes
import functools
import importlib
import importlib.util
import weakref
from collections.abc import Callable, Sequence
from typing import Any

from ..common.launches import Matrix, Product, mask_bytes
from .cublas import OP, TYPES, ProductError, compute_type, factors, upright
from .tuning import CANDIDATES, Tuner

# cublasLtEpilogue_t
EPILOGUES = {"": 1, "bias": 4, "relu_bias": 6, "relu_bias_mask": 134, "relu_vjp_bias_vjp": 152}
# cublasLtMatmulDescAttributes_t
TRANSA, TRANSB, EPILOGUE, BIAS_POINTER, AUX_POINTER, AUX_LD = 3, 4, 7, 8, 11, 12
# cublasLtMatrixLayoutAttribute_t
BATCH_COUNT, BATCH_STRIDE = 5, 6
# cublasLtMatmulPreferenceAttributes_t; the alignments are those of A, B, C and D
MAX_WORKSPACE, MIN_ALIGNMENT = 1, (5, 6, 7, 8)
# The largest alignment, in bytes, that the library asks for.
ALIGNED = 256
# The alignment, in bytes, that vectors need. Some kernels read 16 bytes at a time, and the library chooses them for
# vectors of less too, as PyTorch saw on CUDA 13.3: then the device stops for good with "misaligned address".
VECTOR_ALIGNED = 16
# An aligned address that nobody reads, to plan for before the addresses are known.
NOWHERE = 1 << 20


class Plan(ctypes.Structure):
    """The C structure cublasLtMatmulHeuristicResult_t, which begins with the algorithm."""

    _fields_ = (
        ("algo", ctypes.c_uint64 * 8),
        ("workspace_size", ctypes.c_size_t),
        ("state", ctypes.c_int32),
        ("waves_count", ctypes.c_float),
        ("reserved", ctypes.c_int32 * 4),
    )


def installed() -> bool:
    """Whether the bindings can be imported."""
    return importlib.util.find_spec("nvmath") is not None


def load() -> Any:
    """The bindings' module.

    Raises
    ------
    ImportError
        If nvmath-python is not installed, or does not find CUDA's libraries.
    """
    return importlib.import_module("nvmath.bindings.cublasLt")


class CublasLt:
    """The way of multiplying by cuBLASLt.

    Its handle belongs to the device that is current at the first product, and is shared by all threads.

    Parameters
    ----------
    bindings : module, optional
        What `load` gives, which is called at the first product.
    tuner : Tuner, optional
        What tries the algorithms of a product; without it, the library's first choice is taken.
    """

    name, capturable, epilogues = "cuBLASLt", True, True

    def __init__(self, bindings: Any = None, tuner: Tuner | None = None) -> None:
        self.bindings, self.tuner = bindings, tuner
        self.plans: dict[tuple[Any, ...], Plan] = {}

    @functools.cached_property
    def library(self) -> Any:
        """The bindings' module."""
        return self.bindings or load()

    @functools.cached_property
    def version(self) -> int:
        """The library's version: another one may have other kernels under the same algorithms."""
        return int(self.library.get_version())

    @functools.cached_property
    def handle(self) -> int:
        """The library's state; never destroyed, as the process's last products may still run."""
        return self.library.create()

    def bind(self, product: Product, workspace: Any) -> _LtProduct:
        """One product; `workspace` is device memory for its use alone.

        Raises
        ------
        ProductError
            If the library has no algorithm for it.
        """
        return _LtProduct(self, product, workspace)


class _LtProduct:
    """Descriptors of a product, and a plan for each alignment of its addresses that was met."""

    def __init__(self, way: CublasLt, product: Product, workspace: Any) -> None:
        self.way, self.workspace, self.product = way, workspace, upright(product)
        self.swapped = product.c.transposed
        p, lt = self.product, way.library
        self.multiply = lt.matmul
        # what a plan depends on beside alignments; products that differ in their addresses alone share it
        self.form = (
            way.version, p.m, p.n, p.k, *[(x.leading, x.transposed, x.stride) for x in (p.a, p.b, p.c)],
            p.dtype, p.operands, p.tf32, p.batch, p.epilogue, p.beta != 0, workspace.nbytes,
        )  # fmt: skip
        self.factors = factors(p)
        self.alpha, self.beta = (ctypes.addressof(x) for x in self.factors)
        self.description = lt.matmul_desc_create(compute_type(p), TYPES[p.dtype])
        self._owns(lt.matmul_desc_destroy, self.description)
        self._describe(TRANSA, ctypes.c_int32(OP[p.b.transposed]))
        self._describe(TRANSB, ctypes.c_int32(OP[p.a.transposed]))
        self._describe(EPILOGUE, ctypes.c_uint32(EPILOGUES[p.epilogue]))
        if p.mask is not None:  # a row of bits for each of our rows
            self._describe(AUX_LD, ctypes.c_int64(mask_bytes(1, p.n) * 8))
        self.first = self._layout(p.b, p.k, p.n, p.operands)
        self.second = self._layout(p.a, p.m, p.k, p.operands)
        self.result = self._layout(p.c, p.m, p.n, p.dtype)
        self.arguments: tuple[Any, ...] = ()
        self.address(*[NOWHERE] * 5)

    def _owns(self, destroy: Any, descriptor: int) -> None:
        weakref.finalize(self, destroy, descriptor).atexit = False

    def _describe(self, attribute: int, value: Any) -> None:
        self.way.library.matmul_desc_set_attribute(
            self.description, attribute, ctypes.addressof(value), ctypes.sizeof(value)
        )

    def _layout(self, x: Matrix, rows: int, cols: int, dtype: str) -> int:
        """Our matrix as it lies in memory, column by column: its rows are the library's columns."""
        lt = self.way.library
        if x.transposed:
            rows, cols = cols, rows
        layout: int = lt.matrix_layout_create(TYPES[dtype], cols, rows, x.leading)
        self._owns(lt.matrix_layout_destroy, layout)
        if self.product.batch > 1:
            for attribute, value in (
                (BATCH_COUNT, ctypes.c_int32(self.product.batch)),
                (BATCH_STRIDE, ctypes.c_int64(x.stride)),
            ):
                lt.matrix_layout_set_attribute(
                    layout, attribute, ctypes.addressof(value), ctypes.sizeof(value)
                )
        return layout

    def address(self, a: int, b: int, c: int, vector: int = 0, mask: int = 0) -> None:
        a, b = (b, a) if self.swapped else (a, b)
        # the alignments, by which the library plans: less aligned memory has a plan of its own
        key = tuple([min(x & -x, ALIGNED) or ALIGNED for x in (a, b, c, vector, mask)])
        plan = self.way.plans.get((self.form, key))
        if plan is None:
            plan = self.way.plans[self.form, key] = self._plan(key)
        self.arguments = self._arguments(plan, a, b, c, vector, mask)

    def _arguments(
        self, plan: Plan, a: int, b: int, c: int, vector: int, mask: int
    ) -> tuple[Any, ...]:
        """The arguments of ``matmul`` before the stream; vector and mask go into the description."""
        self._point(vector, mask)
        return (
            self.way.handle, self.description, self.alpha, b, self.first, a, self.second,
            self.beta, c, self.result, c, self.result,
            ctypes.addressof(plan), self.workspace.data.ptr, self.workspace.nbytes,
        )  # fmt: skip

    def _point(self, vector: int, mask: int) -> None:
        """Write the addresses of vector and mask into the description, where the product has them."""
        if self.product.vector is not None:
            self._describe(BIAS_POINTER, ctypes.c_int64(vector))
        if self.product.mask is not None:
            self._describe(AUX_POINTER, ctypes.c_int64(mask))

    def _plan(self, alignments: tuple[int, ...]) -> Plan:
        """The library's first choice, or the algorithm that was the fastest in a trial."""
        found = self._candidates(alignments)
        tuner = self.way.tuner
        if tuner is None or len(found) == 1:
            return found[0]

        def launch(i: int, addresses: Sequence[int]) -> Callable[[int], None]:
            arguments = self._arguments(found[i], *addresses)
            return lambda stream: self.multiply(*arguments, stream)

        algorithms = [bytes(each.algo) for each in found]
        return found[tuner.algorithm(self.product, self.form, algorithms, launch, alignments)]

    def _candidates(self, alignments: tuple[int, ...]) -> list[Plan]:
        """The library's choices, best first by its own estimate."""
        lt, count = self.way.library, ctypes.c_int(0)
        wanted = CANDIDATES if self.way.tuner is not None else 1
        found = (Plan * wanted)()
        preference = lt.matmul_preference_create()
        a, b, c, vector, mask = alignments
        if self.product.vector is not None and vector < VECTOR_ALIGNED:
            raise ProductError(
                f"cuBLASLt: the vector of {self.product} lies at a multiple of {vector} bytes, and needs one of "
                f"{VECTOR_ALIGNED}"
            )
        # The library has preferences for the alignments of matrices alone. Those of vector and mask it reads from their
        # addresses in the description, which it does not follow here: a power of two is an address of this alignment.
        self._point(vector, mask)
        values = [(MAX_WORKSPACE, ctypes.c_uint64(self.workspace.nbytes))]
        values += zip(MIN_ALIGNMENT, map(ctypes.c_uint32, (b, a, c, c)), strict=True)  # type: ignore[arg-type]  # two widths
        try:
            for attribute, value in values:
                lt.matmul_preference_set_attribute(
                    preference, attribute, ctypes.addressof(value), ctypes.sizeof(value)
                )
            lt.matmul_algo_get_heuristic(
                self.way.handle, self.description, self.first, self.second, self.result, self.result,
                preference, wanted, ctypes.addressof(found), ctypes.addressof(count),
            )  # fmt: skip
        except lt.cuBLASLtError as error:
            raise ProductError(f"cuBLASLt has no algorithm for {self.product}: {error}") from None
        finally:
            lt.matmul_preference_destroy(preference)
        usable = [Plan.from_buffer_copy(each) for each in found[: count.value] if not each.state]
        if not usable:
            raise ProductError(f"cuBLASLt has no algorithm for {self.product}")
        return usable

    def launch(self, stream: int) -> None:
        self.multiply(*self.arguments, stream)
