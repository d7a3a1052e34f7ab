"""Operations that a compiled program on the CPU computes by hand-written kernels: convolutions, attention, recurrences.

Of every operation of a program with kernels (`assemble.py`) `table.py` is asked first. Where it has a record that
takes the operation, the program calls a function of that record's making instead of the operation's own. Nothing
changes anywhere else: without numba, for other dtypes and in loops that are one kernel (`loops/kernel.py`) the
operation is the call of NumPy that it always was. In a scan whose step is a loop of Python, native operations
run as elsewhere.

To add one:

1. Write a file beside `matmul.py`, which is the example. It holds kernels and one `Native(name, takes, make)`:

   - ``name`` is the operation's in the listing of a program (``compiled.program(...)``), "linalg.det" say.
   - ``takes(op)`` says for which operations it is right. Shapes and dtypes are those of ``op.args`` (a `Value` where
     an array goes), ``op.settings`` and ``op.outputs()``. That every result is an array with elements has been seen to.
   - ``make(op)`` gives ``run(*arrays, *targets)``: the arrays among ``op.inputs()`` in that order, then one buffer for
     each of ``op.outputs()``, or None for a result that nobody reads. Buffers are C-contiguous and
     never share memory with inputs; what lies in them before is anything. Inputs come in C order (copied where they
     do not lie so), or with ``contiguous=False`` as they lie, with any strides. They may be read only. Scratch memory
     is made in `make`: it is called once for each runner, and a runner serves one call at a time.
   - Kernels are compiled in `make`, so that what numba refuses is found before the program runs:
     ``kernel.compiled(types...)``.

2. Put it into the list of `table.py`, and its tests into ``tests/autograd/compile/cpu/native/``.

A program's first call is recorded with the operation's own function, so what kernels compute is seen from the second
call on.

Kernels (`jit.py`) are functions under ``@kernel()``, and small ones that they call under ``@inlined``: those of the
folder `functions`, say, exp, expm1, tanh, sigmoid, log and erf, whose loops LLVM vectorises. Shapes are arguments, or
those of the arrays, so that nothing is compiled anew for another shape. numba's results are kept on disk under a
checksum of their whole source, that of the functions they call included. A kernel may name numbers, tuples of numbers,
``np``, ``math``, and what differs by dtype as `ByDtype`: ``T`` is np.float32 or np.float64, ``gemm`` is `cblas_sgemm`
or `cblas_dgemm`, and ``exp`` is `exp32` or `exp64`, as the first array among the argument types says. Matrices go to
``gemm`` by address, ``x.ctypes.data + offset * x.itemsize``; counts are integers, factors ``T(1.0)``. A literal is
float64 in numba, so write ``T(0.5)`` where numbers are T. Inputs have the type ``(dtype, ndim, "C", "read")``, or "A"
for any strides: a user's array may be read only. What a kernel needs for BLAS alone can be passed as an address,
``x.__array_interface__["data"][0]``, an `int`.

Pieces whose registers matter are written in LLVM's language, as `convolution/vectors.py` says, and kernels call them by
name: products of blocks of gathered rows (0.95 of a core's peak, without packing), transposed blocks, maxima, tiles.
Functions under ``@called`` are compiled apart, once for each combination of types of their arguments, which halves the
time to compile a kernel that calls several; a literal among the arguments, or an array that is read only, is another
type.

Two threads (`threads.py`): ``halves(run, n)`` calls ``run(0, n // 2, 0)`` here and ``run(n // 2, n, 1)`` on a helper
thread, or one after the other where there is no second core, threads were turned off (``OMP_NUM_THREADS=1``,
threadpoolctl), or the helper has not begun when the first is done (a busy machine, several programs at once). The
numbers are the same in each case, as the halves are always the same two and BLAS is serial in both. The third argument
is the part, 0 or 1, by which each half takes scratch memory of its own.
Say ``parallel=False`` where the whole takes less than 0.1 ms: the helper costs 3 to 20 µs, halves without it 2.
`alone(run)` is for kernels with products that are not split.
"""
