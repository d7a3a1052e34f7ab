// What a CUDA kernel needs to be compiled by g++ for a CPU: no headers, so that it takes milliseconds.
// What runs it, threads as fibers, is machine.cpp, which includes the first part alone.

struct EmulatedThree { unsigned x, y, z; };
enum EmulatedKind { EMULATED_XOR, EMULATED_DOWN, EMULATED_UP, EMULATED_INDEX, EMULATED_BALLOT, EMULATED_SYNC };

// One for all kernels: where the running thread is, and what it asks of the others.
struct Emulated {
    EmulatedThree thread, block, block_dim, grid_dim;
    void (*barrier)(int line);
    unsigned long long (*exchange)(EmulatedKind, unsigned mask, unsigned long long bits, int by, int width, int line);
    void (*fail)(const char* why, unsigned long long number, int line);
};

#ifndef EMULATED_RUNTIME
#define PULLBACK_EMULATED 1
#define __global__
#define __device__
#define __host__
#define __constant__ static
#define __forceinline__ inline __attribute__((always_inline))
#define __noinline__ __attribute__((noinline))
#define __restrict__ __restrict
#define __launch_bounds__(...)
// Thread-local, because all of that is one piece of memory which can be found, and poisoned for each block; "used" keeps
// the compiler from conclusions about what it holds.
#define __shared__ static thread_local __attribute__((used))
#define __align__(n) __attribute__((aligned(n)))

typedef __SIZE_TYPE__ size_t;
static Emulated* emulated;
static thread_local volatile char emulated_touched;
#define EMULATED_EXPORT extern "C" __attribute__((visibility("default")))
EMULATED_EXPORT void emulated_bind(Emulated* e) { emulated = e; }
EMULATED_EXPORT void emulated_touch() { emulated_touched = 1; }

#define threadIdx (emulated->thread)
#define blockIdx (emulated->block)
#define blockDim (emulated->block_dim)
#define gridDim (emulated->grid_dim)
static const int warpSize = 32;

// ── calls ───────────────────────────────────────────────────────────────────────────────────────
template <class T> struct EmulatedAligned { static void check(T, int) {} };
template <class T> struct EmulatedAligned<T*> {
    static void check(T* at, int i) {
        if ((size_t)at % __alignof__(T)) emulated->fail("a pointer is not aligned to its type: parameter", i, 0);
    }
};
template <> struct EmulatedAligned<void*> { static void check(void*, int) {} };
template <> struct EmulatedAligned<const void*> { static void check(const void*, int) {} };
template <int... I> struct EmulatedSequence {};
template <class... A, int... I>
static inline void emulated_apply(void (*f)(A...), void** given, EmulatedSequence<I...>) {
    if (!(emulated->thread.x | emulated->thread.y | emulated->thread.z))
        (EmulatedAligned<A>::check(*(A*)given[I], I), ...);
    f(*(A*)given[I]...);
}
template <class... A> static inline void emulated_call(void (*f)(A...), void** given) {
    emulated_apply(f, given, EmulatedSequence<__integer_pack(sizeof...(A))...>());
}

// ── bits ────────────────────────────────────────────────────────────────────────────────────────
template <class To, class From> static inline To emulated_bits(From x) {
    static_assert(sizeof(To) == sizeof(From), "bits of another size");
    To y;
    __builtin_memcpy(&y, &x, sizeof y);
    return y;
}
static inline float __int_as_float(int x) { return emulated_bits<float>(x); }
static inline float __uint_as_float(unsigned x) { return emulated_bits<float>(x); }
static inline int __float_as_int(float x) { return emulated_bits<int>(x); }
static inline unsigned __float_as_uint(float x) { return emulated_bits<unsigned>(x); }
static inline double __longlong_as_double(long long x) { return emulated_bits<double>(x); }
static inline long long __double_as_longlong(double x) { return emulated_bits<long long>(x); }
static inline int __clz(int x) { return x ? __builtin_clz(x) : 32; }
static inline int __popc(unsigned x) { return __builtin_popcount(x); }
static inline int __popcll(unsigned long long x) { return __builtin_popcountll(x); }
static inline int __ffs(int x) { return __builtin_ffs(x); }
static inline unsigned __umulhi(unsigned a, unsigned b) { return (unsigned)(((unsigned long long)a * b) >> 32); }
static inline unsigned long long __umul64hi(unsigned long long a, unsigned long long b) {
    return (unsigned long long)(((unsigned __int128)a * b) >> 64);
}

// float32 to the narrow formats, to nearest, ties to even; and back, which is exact
static inline unsigned short emulated_to_float16(float x) {
    const unsigned bits = __float_as_uint(x), sign = bits >> 16 & 0x8000u, low = bits & 0x7fffffffu;
    if (low > 0x7f800000u) return (unsigned short)(sign | 0x7e00u);
    if (low >= 0x477ff000u) return (unsigned short)(sign | 0x7c00u);  // 65520 and beyond
    if (low < 0x38800000u) {  // subnormal: adding 0.5 leaves multiples of 2^-24, rounded by the hardware
        return (unsigned short)(sign | (__float_as_uint(__uint_as_float(low) + 0.5f) - 0x3f000000u));
    }
    return (unsigned short)(sign | ((low + 0xfffu + (low >> 13 & 1u) - 0x38000000u) >> 13));
}
static inline float emulated_from_float16(unsigned short x) {
    const unsigned sign = (x & 0x8000u) << 16, exponent = x >> 10 & 31u, fraction = x & 0x3ffu;
    if (exponent == 31) return __uint_as_float(sign | 0x7f800000u | fraction << 13);
    if (exponent) return __uint_as_float(sign | (exponent + 112u) << 23 | fraction << 13);
    return __uint_as_float(sign | __float_as_uint(fraction * 5.9604644775390625e-8f));
}
static inline unsigned short emulated_to_bfloat16(float x) {
    const unsigned bits = __float_as_uint(x);
    if (x != x) return (unsigned short)(bits >> 16 | 0x40u);
    return (unsigned short)((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
}
static inline float emulated_from_bfloat16(unsigned short x) { return __uint_as_float((unsigned)x << 16); }
// to 10 explicit bits, ties away from zero, as cvt.rna.tf32 does
static inline float emulated_to_tf32(float x) {
    const unsigned bits = __float_as_uint(x);
    return (bits & 0x7f800000u) == 0x7f800000u ? x : __uint_as_float((bits + 0x1000u) & 0xffffe000u);
}

// ── threads ─────────────────────────────────────────────────────────────────────────────────────
static inline void emulated_syncthreads(int line) { emulated->barrier(line); }
template <class T>
static inline T emulated_exchanged(EmulatedKind kind, unsigned mask, T v, int by, int width, int line) {
    static_assert(sizeof(T) <= 8, "a shuffle moves up to 8 bytes");
    unsigned long long bits = 0;
    __builtin_memcpy(&bits, &v, sizeof v);
    bits = emulated->exchange(kind, mask, bits, by, width, line);
    __builtin_memcpy(&v, &bits, sizeof v);
    return v;
}
template <class T> static inline T emulated_shuffle(EmulatedKind k, int line, unsigned mask, T v, int by, int width = 32) {
    return emulated_exchanged(k, mask, v, by, width, line);
}
static inline unsigned emulated_ballot(int line, unsigned mask, int yes) {
    return emulated_exchanged<unsigned>(EMULATED_BALLOT, mask, yes != 0, 0, 32, line);
}
static inline void emulated_syncwarp(int line, unsigned mask = 0xffffffffu) {
    emulated_exchanged<unsigned>(EMULATED_SYNC, mask, 0, 0, 32, line);
}
#define __syncthreads() emulated_syncthreads(__LINE__)
#define __syncwarp(...) emulated_syncwarp(__LINE__ __VA_OPT__(,) __VA_ARGS__)
#define __shfl_xor_sync(...) emulated_shuffle(EMULATED_XOR, __LINE__, __VA_ARGS__)
#define __shfl_down_sync(...) emulated_shuffle(EMULATED_DOWN, __LINE__, __VA_ARGS__)
#define __shfl_up_sync(...) emulated_shuffle(EMULATED_UP, __LINE__, __VA_ARGS__)
#define __shfl_sync(...) emulated_shuffle(EMULATED_INDEX, __LINE__, __VA_ARGS__)
#define __ballot_sync(mask, yes) emulated_ballot(__LINE__, mask, yes)
#define __any_sync(mask, yes) (emulated_ballot(__LINE__, mask, yes) != 0)
#define __all_sync(mask, yes) (emulated_ballot(__LINE__, mask, !(yes)) == 0)
static inline void __threadfence() {}
static inline void __threadfence_block() {}
static inline void __threadfence_system() {}

// One thread runs at a time, and is interrupted at barriers and shuffles only.
template <class T> static inline T atomicAdd(T* at, T by) { T old = *at; *at = old + by; return old; }
template <class T> static inline T atomicSub(T* at, T by) { T old = *at; *at = old - by; return old; }
template <class T> static inline T atomicExch(T* at, T by) { T old = *at; *at = by; return old; }
template <class T> static inline T atomicMax(T* at, T by) { T old = *at; if (old < by) *at = by; return old; }
template <class T> static inline T atomicMin(T* at, T by) { T old = *at; if (by < old) *at = by; return old; }
template <class T> static inline T atomicCAS(T* at, T is, T by) { T old = *at; if (old == is) *at = by; return old; }
static inline unsigned atomicInc(unsigned* at, unsigned top) { unsigned old = *at; *at = old >= top ? 0 : old + 1; return old; }
template <class T> static inline T __ldg(const T* at) { return *at; }

// ── vectors ─────────────────────────────────────────────────────────────────────────────────────
#define EMULATED_VECTORS(T, name, two, four) \
    struct alignas(two) name##2 { T x, y; }; \
    struct name##3 { T x, y, z; }; \
    struct alignas(four) name##4 { T x, y, z, w; }; \
    static inline name##2 make_##name##2(T x, T y) { return {x, y}; } \
    static inline name##3 make_##name##3(T x, T y, T z) { return {x, y, z}; } \
    static inline name##4 make_##name##4(T x, T y, T z, T w) { return {x, y, z, w}; }
EMULATED_VECTORS(float, float, 8, 16)
EMULATED_VECTORS(double, double, 16, 16)
EMULATED_VECTORS(int, int, 8, 16)
EMULATED_VECTORS(unsigned, uint, 8, 16)
EMULATED_VECTORS(short, short, 4, 8)
EMULATED_VECTORS(unsigned short, ushort, 4, 8)
EMULATED_VECTORS(signed char, char, 2, 4)
EMULATED_VECTORS(unsigned char, uchar, 2, 4)
EMULATED_VECTORS(long long, longlong, 16, 16)
EMULATED_VECTORS(unsigned long long, ulonglong, 16, 16)
typedef uint3 dim3;

// ── mathematics: float and double versions under one name, and CUDA's names for float alone ─────
#define EMULATED_UNARY(F) \
    extern "C" double F(double) noexcept; \
    static inline float F(float x) { return __builtin_##F##f(x); } \
    template <class I, class = decltype((I)0 << 1)> static inline double F(I x) { return __builtin_##F((double)x); } \
    extern "C" float F##f(float) noexcept;
EMULATED_UNARY(sqrt) EMULATED_UNARY(cbrt) EMULATED_UNARY(exp) EMULATED_UNARY(exp2) EMULATED_UNARY(exp10)
EMULATED_UNARY(expm1) EMULATED_UNARY(log) EMULATED_UNARY(log2) EMULATED_UNARY(log10) EMULATED_UNARY(log1p)
EMULATED_UNARY(sin) EMULATED_UNARY(cos) EMULATED_UNARY(tan) EMULATED_UNARY(asin) EMULATED_UNARY(acos)
EMULATED_UNARY(atan) EMULATED_UNARY(sinh) EMULATED_UNARY(cosh) EMULATED_UNARY(tanh) EMULATED_UNARY(asinh)
EMULATED_UNARY(acosh) EMULATED_UNARY(atanh) EMULATED_UNARY(erf) EMULATED_UNARY(erfc) EMULATED_UNARY(lgamma)
EMULATED_UNARY(tgamma) EMULATED_UNARY(floor) EMULATED_UNARY(ceil) EMULATED_UNARY(trunc) EMULATED_UNARY(rint)
EMULATED_UNARY(nearbyint) EMULATED_UNARY(round) EMULATED_UNARY(fabs)
#define EMULATED_BINARY(F) \
    extern "C" double F(double, double) noexcept; \
    extern "C" float F##f(float, float) noexcept; \
    static inline float F(float x, float y) { return __builtin_##F##f(x, y); } \
    static inline double F(float x, double y) { return __builtin_##F((double)x, y); } \
    static inline double F(double x, float y) { return __builtin_##F(x, (double)y); }
EMULATED_BINARY(pow) EMULATED_BINARY(atan2) EMULATED_BINARY(hypot) EMULATED_BINARY(fmod) EMULATED_BINARY(remainder)
EMULATED_BINARY(fmin) EMULATED_BINARY(fmax) EMULATED_BINARY(fdim) EMULATED_BINARY(copysign) EMULATED_BINARY(nextafter)
static inline float pow(float x, int y) { return __builtin_powf(x, (float)y); }
static inline double pow(double x, int y) { return __builtin_pow(x, (double)y); }
extern "C" double fma(double, double, double) noexcept;
extern "C" float fmaf(float, float, float) noexcept;
static inline float fma(float x, float y, float z) { return __builtin_fmaf(x, y, z); }
static inline float rsqrt(float x) { return (float)(1 / __builtin_sqrt((double)x)); }
static inline double rsqrt(double x) { return 1 / __builtin_sqrt(x); }
static inline float rsqrtf(float x) { return rsqrt(x); }
static inline float ldexp(float x, int n) { return __builtin_ldexpf(x, n); }
static inline double ldexp(double x, int n) { return __builtin_ldexp(x, n); }
static inline float normcdf(float x) { return (float)(0.5 * __builtin_erfc(-0.70710678118654752440 * x)); }
static inline double normcdf(double x) { return 0.5 * __builtin_erfc(-0.70710678118654752440 * x); }
static inline float normcdff(float x) { return normcdf(x); }
extern "C" int abs(int) noexcept;
static inline float abs(float x) { return __builtin_fabsf(x); }
static inline double abs(double x) { return __builtin_fabs(x); }
static inline long long abs(long long x) { return x < 0 ? -x : x; }
static inline long long llabs(long long x) { return x < 0 ? -x : x; }
template <class T> static inline bool isnan(T x) { return x != x; }
template <class T> static inline bool isinf(T x) { return __builtin_isinf(x); }
template <class T> static inline bool isfinite(T x) { return __builtin_isfinite(x); }
template <class T> static inline bool signbit(T x) { return __builtin_signbit(x); }
#define EMULATED_LEAST(T) \
    static inline T min(T a, T b) { return b < a ? b : a; } \
    static inline T max(T a, T b) { return a < b ? b : a; }
EMULATED_LEAST(int) EMULATED_LEAST(unsigned) EMULATED_LEAST(long) EMULATED_LEAST(unsigned long)
EMULATED_LEAST(long long) EMULATED_LEAST(unsigned long long)
static inline float min(float a, float b) { return __builtin_fminf(a, b); }
static inline float max(float a, float b) { return __builtin_fmaxf(a, b); }
static inline double min(double a, double b) { return __builtin_fmin(a, b); }
static inline double max(double a, double b) { return __builtin_fmax(a, b); }
static inline float __expf(float x) { return __builtin_expf(x); }
static inline float __exp10f(float x) { return __builtin_exp10f(x); }
static inline float __logf(float x) { return __builtin_logf(x); }
static inline float __log2f(float x) { return __builtin_log2f(x); }
static inline float __log10f(float x) { return __builtin_log10f(x); }
static inline float __sinf(float x) { return __builtin_sinf(x); }
static inline float __cosf(float x) { return __builtin_cosf(x); }
static inline float __powf(float x, float y) { return __builtin_powf(x, y); }
static inline float __fdividef(float x, float y) { return x / y; }
static inline float __saturatef(float x) { return x > 0 ? (x < 1 ? x : 1) : 0; }
static inline float __fadd_rn(float x, float y) { return x + y; }
static inline float __fsub_rn(float x, float y) { return x - y; }
static inline float __fmul_rn(float x, float y) { return x * y; }
static inline float __fdiv_rn(float x, float y) { return x / y; }
static inline float __frcp_rn(float x) { return 1 / x; }
static inline float __fsqrt_rn(float x) { return __builtin_sqrtf(x); }
static inline float __frsqrt_rn(float x) { return rsqrt(x); }
static inline float __fmaf_rn(float x, float y, float z) { return __builtin_fmaf(x, y, z); }
static inline double __dadd_rn(double x, double y) { return x + y; }
static inline double __dmul_rn(double x, double y) { return x * y; }
static inline double __fma_rn(double x, double y, double z) { return __builtin_fma(x, y, z); }

// ── what -fsanitize=alignment,bounds calls: the places in the kernel that reach outside, by line ──
struct EmulatedSite { const char* file; unsigned line, column; };
extern "C" __attribute__((visibility("hidden"))) void __ubsan_handle_type_mismatch_v1(EmulatedSite* site, size_t at) {
    emulated->fail("an address is not aligned to the type that is read or written there", at, site->line);
}
extern "C" __attribute__((visibility("hidden"))) void __ubsan_handle_out_of_bounds(EmulatedSite* site, size_t i) {
    emulated->fail("an index lies outside an array of fixed length", i, site->line);
}
extern "C" __attribute__((visibility("hidden"))) void __ubsan_handle_divrem_overflow(EmulatedSite* site, size_t, size_t) {
    emulated->fail("an integer is divided by 0", 0, site->line);
}
#endif
