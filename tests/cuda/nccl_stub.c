/* libnccl.so.2 without NCCL: says yes to everything and remembers what it was asked, so that CuPy's binding can be loaded
   and looked at where there is no NCCL. Compiled by test_nccl.py. */
#include <stddef.h>
#include <string.h>

typedef struct { char internal[128]; } id;
typedef struct { const char* name; long long values[8]; } call;
call last;

#define KEEP(NAME, ...) do { long long v[] = {__VA_ARGS__}; last.name = NAME; memcpy(last.values, v, sizeof v); } while (0)
#define AT(x) ((long long)(x))

const char* ncclGetErrorString(int r) { return "as the stub says"; }
int ncclGetVersion(int* v) { *v = 22707; return 0; }
int ncclGetUniqueId(id* u) { memset(u, 7, sizeof *u); return 0; }
int ncclCommInitRankConfig(void** comm, int n, id u, int rank, void* config) { *comm = (void*)0xC0; KEEP("init", n, rank, u.internal[0]); return 0; }
int ncclCommInitAll(void** comm, int n, const int* d) { return 0; }
int ncclCommSplit(void* comm, int color, int key, void** out, void* config) { *out = comm; KEEP("split", color, key); return 0; }
void ncclCommDestroy(void* comm) { KEEP("destroy", AT(comm)); }
void ncclCommAbort(void* comm) { KEEP("abort", AT(comm)); }
int asynchronous = 0;
int ncclCommGetAsyncError(void* comm, int* e) { *e = asynchronous; return 0; }
int ncclCommCount(void* comm, int* n) { *n = 4; return 0; }
int ncclCommCuDevice(void* comm, int* n) { *n = 2; return 0; }
int ncclCommUserRank(void* comm, int* n) { *n = 3; return 0; }
int ncclGroupStart(void) { KEEP("start", 0); return 0; }
int ncclGroupEnd(void) { KEEP("end", 0); return 0; }
int ncclAllReduce(void* s, void* r, size_t n, int type, int op, void* comm, void* stream) { KEEP("allReduce", AT(s), AT(r), n, type, op, AT(stream), AT(comm)); return 0; }
int ncclReduce(void* s, void* r, size_t n, int type, int op, int root, void* comm, void* stream) { KEEP("reduce", AT(s), AT(r), n, type, op, root, AT(stream), AT(comm)); return 0; }
int ncclBroadcast(void* s, void* r, size_t n, int type, int root, void* comm, void* stream) { KEEP("broadcast", AT(s), AT(r), n, type, root, AT(stream), AT(comm)); return 0; }
int ncclBcast(void* s, size_t n, int type, int root, void* comm, void* stream) { KEEP("bcast", AT(s), n, type, root, AT(stream), AT(comm)); return 0; }
int ncclReduceScatter(void* s, void* r, size_t n, int type, int op, void* comm, void* stream) { KEEP("reduceScatter", AT(s), AT(r), n, type, op, AT(stream), AT(comm)); return 0; }
int ncclAllGather(void* s, void* r, size_t n, int type, void* comm, void* stream) { KEEP("allGather", AT(s), AT(r), n, type, AT(stream), AT(comm)); return 0; }
int ncclSend(void* s, size_t n, int type, int peer, void* comm, void* stream) { KEEP("send", AT(s), n, type, peer, AT(stream), AT(comm)); return 0; }
int ncclRecv(void* s, size_t n, int type, int peer, void* comm, void* stream) { KEEP("recv", AT(s), n, type, peer, AT(stream), AT(comm)); return 0; }
