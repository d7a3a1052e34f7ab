// Runs a CUDA kernel's threads on one CPU thread: fibers that take turns where threads wait for each other.
//
// A fiber takes thread after thread; only one that waits keeps its stack, so that a kernel without barriers is a plain
// loop. What the hardware would let hang, or leaves undefined, ends in an error that says which threads wait for which.
#define EMULATED_RUNTIME
#include "cuda.h"

#include <link.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

namespace {
enum { MOST = 1024, STACK = 1 << 17 };
enum State : unsigned char { READY, RUNS, AT_BARRIER, IN_WARP, DONE };

struct Thread {
    State state;
    EmulatedKind kind;
    unsigned mask;
    unsigned long long bits;
    int by, width, line;
};
struct Fiber {
    ucontext_t start;
    jmp_buf at;
    bool started, idle;
    int thread;
};

Emulated emulated;
Thread threads[MOST];
Fiber fibers[MOST];
int count, next, at_barrier, running;
bool backward;
char* stacks;
jmp_buf scheduler;
void (*kernel)(void**);
void** arguments;
char error[1024];

void say(const char* format, ...) {
    size_t n = strlen(error);
    va_list rest;
    va_start(rest, format);
    vsnprintf(error + n, sizeof error - n, format, rest);
    va_end(rest);
}

void run_as(int t) {
    const EmulatedThree d = emulated.block_dim;
    threads[t].state = RUNS;
    emulated.thread = {t % d.x, t / d.x % d.y, t / (d.x * d.y)};
}

// Thread after thread, until one waits: its fiber then is kept for it.
void work() {
    for (;;) {
        Fiber* own = &fibers[running];
        while (next < count) {
            const int t = backward ? count - 1 - next : next;
            next++;
            own = &fibers[running];
            own->thread = t;
            run_as(t);
            kernel(arguments);
            threads[fibers[running].thread].state = DONE;
        }
        own = &fibers[running];
        own->idle = true;
        if (!_setjmp(own->at)) _longjmp(scheduler, 1);
    }
}

void resume(int f) {
    running = f;
    Fiber& fiber = fibers[f];
    if (_setjmp(scheduler)) return;
    if (fiber.started) _longjmp(fiber.at, 1);
    fiber.started = true;
    getcontext(&fiber.start);
    fiber.start.uc_stack.ss_sp = stacks + (size_t)f * STACK;
    fiber.start.uc_stack.ss_size = STACK;
    fiber.start.uc_link = nullptr;
    makecontext(&fiber.start, work, 0);
    setcontext(&fiber.start);
}

void wait() {
    Fiber& fiber = fibers[running];
    if (!_setjmp(fiber.at)) _longjmp(scheduler, 1);
    run_as(fibers[running].thread);
}

void fail(const char* why, unsigned long long number, int line) {
    say("%s (%llu)", why, number);
    if (line) say(", line %d", line);
    say("; thread (%u, %u, %u)", emulated.thread.x, emulated.thread.y, emulated.thread.z);
    _longjmp(scheduler, 1);
}

void barrier(int line) {
    Thread& own = threads[fibers[running].thread];
    own.state = AT_BARRIER;
    own.line = line;
    if (++at_barrier < count) return wait();
    at_barrier = 0;
    for (int t = 0; t < count; t++) {
        if (threads[t].line != line) {
            say("threads of one block meet at different barriers, lines %d and %d", threads[t].line, line);
            _longjmp(scheduler, 1);
        }
        threads[t].state = READY;
    }
    own.state = RUNS;
}

// What every lane of a mask receives, when the last of them has come.
unsigned long long received[MOST];

void exchange_all(int first, int lanes, unsigned mask) {
    unsigned ballot = 0;
    for (int i = 0; i < lanes; i++)
        if (mask >> i & 1 && threads[first + i].bits) ballot |= 1u << i;
    for (int i = 0; i < lanes; i++) {
        if (!(mask >> i & 1)) continue;
        const Thread& t = threads[first + i];
        const int begin = i / t.width * t.width, end = begin + t.width;
        int from = i;
        switch (t.kind) {
            case EMULATED_XOR: from = (i ^ t.by) < end ? i ^ t.by : i; break;
            case EMULATED_DOWN: from = i + t.by < end ? i + t.by : i; break;
            case EMULATED_UP: from = i - t.by >= begin ? i - t.by : i; break;
            case EMULATED_INDEX: from = begin + (t.by & (t.width - 1)); break;
            default: break;
        }
        const bool there = from >= 0 && from < lanes && mask >> from & 1;
        received[first + i] = t.kind == EMULATED_BALLOT ? ballot : there ? threads[first + from].bits : ~0ull;
    }
}

unsigned long long exchange(EmulatedKind kind, unsigned mask, unsigned long long bits, int by, int width, int line) {
    const int me = fibers[running].thread, first = me / 32 * 32;
    const int lanes = count - first < 32 ? count - first : 32;
    const unsigned all = lanes == 32 ? ~0u : (1u << lanes) - 1, wanted = mask & all;
    if (!(mask >> (me - first) & 1)) fail("a thread is not in the mask of its own shuffle", mask, line);
    if (width < 1 || width > 32 || width & (width - 1)) fail("the width of a shuffle is a power of 2 up to 32", width, line);
    threads[me] = {IN_WARP, kind, mask, bits, by, width, line};
    for (int i = 0; i < lanes; i++) {
        const Thread& t = threads[first + i];
        if (!(wanted >> i & 1)) continue;
        if (t.state != IN_WARP) { wait(); return received[me]; }
        if (t.kind != kind || t.mask != mask || t.line != line) {
            say("threads of one warp meet in different shuffles, or with different masks, lines %d and %d", t.line, line);
            _longjmp(scheduler, 1);
        }
    }
    exchange_all(first, lanes, wanted);
    for (int i = 0; i < lanes; i++)
        if (wanted >> i & 1) threads[first + i].state = READY;
    threads[me].state = RUNS;
    return received[me];
}

// Which threads wait for which, in runs of equal states.
void tell_deadlock() {
    say("threads wait where others of their %s never come:", at_barrier ? "block" : "warp");
    for (int t = 0, shown = 0; t < count && shown < 8; shown++) {
        int end = t + 1;
        const Thread& x = threads[t];
        while (end < count && threads[end].state == x.state && (x.state == DONE || threads[end].line == x.line)) end++;
        say("%s %d-%d ", shown ? "," : "", t, end - 1);
        if (x.state == DONE) say("have left the kernel");
        else say("wait at a %s, line %d", x.state == AT_BARRIER ? "barrier" : "shuffle", x.line);
        t = end;
    }
}

bool run_block() {
    static int waiting[MOST];
    int n = 0;
    next = at_barrier = 0;
    for (int t = 0; t < count; t++) threads[t].state = READY;
    for (int f = 0; next < count; f++) {
        fibers[f].idle = false;
        resume(f);
        if (error[0]) return false;
        if (!fibers[f].idle) waiting[n++] = f;
    }
    while (n) {
        bool moved = false;
        int kept = 0;
        for (int i = 0; i < n; i++) {
            const int f = waiting[i];
            if (threads[fibers[f].thread].state == READY) {
                moved = true;
                resume(f);
                if (error[0]) return false;
            }
            if (!fibers[f].idle) waiting[kept++] = f;
        }
        n = kept;
        if (!moved && n) return tell_deadlock(), false;
    }
    return true;
}

struct Found { void* of; char* start; size_t size; };

int find_shared(dl_phdr_info* info, size_t, void* into) {
    Found& found = *(Found*)into;
    bool here = false;
    size_t size = 0;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr)& h = info->dlpi_phdr[i];
        const ElfW(Addr) start = info->dlpi_addr + h.p_vaddr, at = (ElfW(Addr))found.of;
        if (h.p_type == PT_LOAD && start <= at && at < start + h.p_memsz) here = true;
        if (h.p_type == PT_TLS) size = h.p_memsz;
    }
    if (!here) return 0;
    found.start = (char*)info->dlpi_tls_data;
    found.size = found.start ? size : 0;
    return 1;
}
}  // namespace

extern "C" Emulated* emulated_state() {
    emulated.barrier = barrier;
    emulated.exchange = exchange;
    emulated.fail = fail;
    if (!stacks)
        stacks = (char*)mmap(nullptr, (size_t)MOST * STACK, PROT_READ | PROT_WRITE,
                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return &emulated;
}

// Runs a grid; the error, or nothing. `reversed`: blocks and threads start from the last.
extern "C" const char* emulated_run(void (*entry)(void**), void (*touch)(), void** given, const unsigned* grid,
                                    const unsigned* block, int reversed) {
    error[0] = 0;
    kernel = entry;
    arguments = given;
    backward = reversed;
    emulated.grid_dim = {grid[0], grid[1], grid[2]};
    emulated.block_dim = {block[0], block[1], block[2]};
    count = block[0] * block[1] * block[2];
    touch();
    Found shared = {(void*)entry, nullptr, 0};
    dl_iterate_phdr(find_shared, &shared);
    if (shared.size > 48 * 1024) return say("%zu bytes of shared memory, of 49152", shared.size), error;
    const size_t blocks = (size_t)grid[0] * grid[1] * grid[2];
    for (size_t i = 0; i < blocks; i++) {
        const size_t b = reversed ? blocks - 1 - i : i;
        emulated.block = {(unsigned)(b % grid[0]), (unsigned)(b / grid[0] % grid[1]), (unsigned)(b / grid[0] / grid[1])};
        memset(shared.start, 0xff, shared.size);
        if (run_block()) continue;
        say("; block (%u, %u, %u)", emulated.block.x, emulated.block.y, emulated.block.z);
        for (Fiber& f : fibers) f.started = false;
        break;
    }
    return error;
}
