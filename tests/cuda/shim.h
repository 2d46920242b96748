// CUDA on a processor, for tests: a grid of threads run one after another, so that a wrong index fails without a GPU.
//
// What comes in is generated CUDA C, compiled as C++ behind this header, and a table of cases; what goes out is
// what every step wrote. Each thread of a block is a fiber. A barrier counts who arrives: if some threads of the
// block have ended or wait elsewhere, that is a fault. What a thread copies asynchronously comes when it waits for it
// and no sooner. Every step runs twice, the second time with blocks, warps
// and lanes in reverse order, and must give the same bits: what depends on the order is a race. A step may change
// its result and the workspace, and no other element.

#include <csetjmp>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ucontext.h>
#include <vector>

#define CNNC_EMULATED
#define __device__
#define __global__
#define __shared__ static
#define ENTRY(threads) static void

struct Place {
    unsigned x, y, z;
};
static Place threadIdx, blockIdx, blockDim, gridDim;

static inline float __int_as_float(int bits) {
    float value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
}

namespace emulation {

// An address of a storage, as the pointer that an entry takes.
struct Address {
    float* at;
    template <class Element> operator Element*() const { return reinterpret_cast<Element*>(at); }
};

enum State { READY, AT_BLOCK, AT_WARP, DONE };

struct Fiber {
    ucontext_t context;
    jmp_buf jump;
    bool started = false;
    State state = DONE;
    char* stack = nullptr;
};

static const int MOST_THREADS = 1024;
static const size_t STACK = 256 * 1024;
static Fiber fibers[MOST_THREADS];
static ucontext_t scheduler_context;
static jmp_buf scheduler;
static int current;
static void (*entry)(float* const*);
static float* const* arguments;
static const char* running = "";

// What lanes of a warp tell each other.
static float exchanged[MOST_THREADS];
static uint32_t fragments[MOST_THREADS][8];

[[noreturn]] static void fail(const char* text) {
    std::fprintf(stderr, "%s: %s (block %u %u %u)\n", running, text, blockIdx.x, blockIdx.y, blockIdx.z);
    std::exit(3);
}

static void switch_to_scheduler(Fiber& fiber) {
#ifdef CNNC_SANITIZED
    swapcontext(&fiber.context, &scheduler_context);
#else
    if (!_setjmp(fiber.jump)) _longjmp(scheduler, 1);
#endif
}

static void wait(State state) {
    Fiber& fiber = fibers[current];
    fiber.state = state;
    switch_to_scheduler(fiber);
}

// Defined in copies.h.
static void no_copies_left();

// A fiber lives as long as the program: it runs one thread after another.
static void live() {
    for (;;) {
        entry(arguments);
        no_copies_left();
        wait(DONE);
    }
}

static void resume(int thread) {
    Fiber& fiber = fibers[thread];
    current = thread;
    threadIdx = {(unsigned)thread, 0, 0};
    if (!fiber.stack) {
        fiber.stack = new char[STACK];
        getcontext(&fiber.context);
        fiber.context.uc_stack.ss_sp = fiber.stack;
        fiber.context.uc_stack.ss_size = STACK;
        fiber.context.uc_link = nullptr;
        makecontext(&fiber.context, live, 0);
    }
#ifdef CNNC_SANITIZED
    swapcontext(&scheduler_context, &fiber.context);
#else
    if (_setjmp(scheduler)) return;
    if (fiber.started) _longjmp(fiber.jump, 1);
    fiber.started = true;
    setcontext(&fiber.context);
#endif
}

// Runs a warp until all its lanes wait for the block or have ended.
static void run_warp(int first, bool reversed) {
    for (;;) {
        for (int i = 0; i < 32; i++) {
            const int thread = first + (reversed ? 31 - i : i);
            if (fibers[thread].state == READY) resume(thread);
        }
        int waiting = 0;
        for (int i = 0; i < 32; i++) waiting += fibers[first + i].state == AT_WARP;
        if (waiting == 0) return;
        if (waiting < 32) fail("some lanes of a warp have not come to where others wait");
        for (int i = 0; i < 32; i++) fibers[first + i].state = READY;
    }
}

static void run_block(int threads, bool reversed) {
    if (threads % 32 != 0 || threads > MOST_THREADS) fail("a block is not of whole warps");
    for (int i = 0; i < threads; i++) fibers[i].state = READY;
    for (;;) {
        const int warps = threads / 32;
        for (int i = 0; i < warps; i++) run_warp(32 * (reversed ? warps - 1 - i : i), reversed);
        int waiting = 0;
        for (int i = 0; i < threads; i++) waiting += fibers[i].state == AT_BLOCK;
        if (waiting == 0) return;
        if (waiting < threads) fail("some threads of a block have not come to the barrier");
        for (int i = 0; i < threads; i++) fibers[i].state = READY;
    }
}

static void run_grid(const Place& grid, int threads, bool reversed) {
    gridDim = grid;
    blockDim = {(unsigned)threads, 1, 1};
    const uint64_t blocks = (uint64_t)grid.x * grid.y * grid.z;
    for (uint64_t i = 0; i < blocks; i++) {
        const uint64_t block = reversed ? blocks - 1 - i : i;
        blockIdx = {(unsigned)(block % grid.x), (unsigned)(block / grid.x % grid.y), (unsigned)(block / grid.x / grid.y)};
        run_block(threads, reversed);
    }
}

static float exchange(float value, int lane) {
    const int warp = current / 32 * 32;
    exchanged[current] = value;
    wait(AT_WARP);
    const float other = lane < 32 ? exchanged[warp + lane] : value;
    wait(AT_WARP);
    return other;
}

// ---- cases

struct Argument {
    int storage;
    size_t offset;
};

struct Launch {
    const char* name;
    void (*entry)(float* const*);
    Place grid;
    int threads;
    std::vector<Argument> arguments;
};

struct Step {
    int launches;
    int storage;
    size_t offset;
    std::vector<size_t> shape, strides;
};

struct Case {
    const char* name;
    std::vector<Launch> launches;
    std::vector<Step> steps;
};

// A storage: on 256 bytes, as on a device.
struct Memory {
    float* data;
    size_t count;
};

static Memory allocated(size_t count) {
    void* data = nullptr;
    if (posix_memalign(&data, 256, count ? count * sizeof(float) : 1)) std::exit(4);
    return {(float*)data, count};
}

static std::vector<size_t> places(const Step& step) {
    std::vector<size_t> found = {step.offset};
    for (size_t axis = 0; axis < step.shape.size(); axis++) {
        std::vector<size_t> wider;
        wider.reserve(found.size() * step.shape[axis]);
        for (const size_t place : found) {
            for (size_t i = 0; i < step.shape[axis]; i++) wider.push_back(place + i * step.strides[axis]);
        }
        found.swap(wider);
    }
    return found;
}

static void run_launches(const Case& whole, int first, int count, std::vector<Memory>& memories, bool reversed) {
    Memory& workspace = memories.back();
    std::memset(workspace.data, 0xff, workspace.count * sizeof(float));
    for (int i = first; i < first + count; i++) {
        const Launch& launch = whole.launches[i];
        std::vector<float*> pointers;
        for (const Argument& argument : launch.arguments) pointers.push_back(memories[argument.storage].data + argument.offset);
        running = launch.name;
        entry = launch.entry;
        arguments = pointers.data();
        run_grid(launch.grid, launch.threads, reversed);
    }
}

static bool same(const float* a, const float* b, size_t count) { return std::memcmp(a, b, count * sizeof(float)) == 0; }

// Runs a case: reads its storages, the workspace last, and writes what each step left in its result.
static int run_case(const Case& whole, FILE* in, FILE* out) {
    int wrong = 0;
    uint64_t storages = 0;
    if (std::fread(&storages, 8, 1, in) != 1) std::exit(4);
    std::vector<Memory> memories, expected;
    for (uint64_t i = 0; i < storages; i++) {
        uint64_t count = 0;
        if (std::fread(&count, 8, 1, in) != 1) std::exit(4);
        memories.push_back(allocated(count));
        expected.push_back(allocated(count));
        if (std::fread(memories[i].data, sizeof(float), count, in) != count) std::exit(4);
        std::memcpy(expected[i].data, memories[i].data, count * sizeof(float));
    }
    int first = 0, number = 0;
    for (const Step& step : whole.steps) {
        Memory& memory = memories[step.storage];
        Memory& before = expected[step.storage];
        const std::vector<size_t> results = places(step);
        const auto complain = [&](const char* text) {
            std::fprintf(stderr, "%s, step %d (%s): %s\n", whole.name, number, running, text);
            wrong = 1;
        };
        run_launches(whole, first, step.launches, memories, false);
        std::vector<float> values;
        for (const size_t place : results) values.push_back(memory.data[place]);
        std::memcpy(memory.data, before.data, memory.count * sizeof(float));
        run_launches(whole, first, step.launches, memories, true);
        std::vector<float> again;
        for (const size_t place : results) again.push_back(memory.data[place]);
        if (!same(values.data(), again.data(), values.size())) complain("other bits in the reverse order of threads");
        for (size_t i = 0; i < results.size(); i++) before.data[results[i]] = again[i];
        if (!same(memory.data, before.data, memory.count)) complain("wrote outside of its result");
        std::fwrite(values.data(), sizeof(float), values.size(), out);
        first += step.launches;
        number++;
    }
    for (size_t i = 0; i + 1 < memories.size(); i++) {
        if (!same(memories[i].data, expected[i].data, memories[i].count)) {
            std::fprintf(stderr, "%s: storage %zu was written to by a step whose result lies elsewhere\n", whole.name, i);
            wrong = 1;
        }
    }
    for (const Memory& memory : memories) std::free(memory.data);
    for (const Memory& memory : expected) std::free(memory.data);
    return wrong;
}

static int run_cases(const std::vector<Case>& cases, const char* in_path, const char* out_path) {
    FILE* in = std::fopen(in_path, "rb");
    FILE* out = std::fopen(out_path, "wb");
    if (!in || !out) return 4;
    int wrong = 0;
    for (const Case& whole : cases) wrong |= run_case(whole, in, out);
    std::fclose(in);
    std::fclose(out);
    return wrong;
}

}  // namespace emulation

static inline void __syncthreads() { emulation::wait(emulation::AT_BLOCK); }
static inline void __syncwarp() { emulation::wait(emulation::AT_WARP); }
static inline float __shfl_xor_sync(unsigned, float value, int mask) {
    return emulation::exchange(value, (int)(threadIdx.x % 32) ^ mask);
}
static inline float __shfl_down_sync(unsigned, float value, int apart) {
    return emulation::exchange(value, (int)(threadIdx.x % 32) + apart);
}

#include "copies.h"
#include "tensor.h"
