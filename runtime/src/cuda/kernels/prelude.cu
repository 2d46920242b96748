// What every kernel stands on. NVRTC has no standard headers, so nothing is included.
//
// An entry takes pointers to float, that of a map to whole numbers too; sizes, strides and numbers are constants in structs that are written for each
// plan. What is done to a result before it is stored is written too, as a struct with
//     void store(float* out, Index i, float x0) const     stores element i of the result, counted densely with the last axis fastest.
// A kernel needs to know no more of it. Sums never go through atomics: the same input gives the same bits in every
// run.

#ifndef ENTRY
#define ENTRY(threads) extern "C" __global__ void __launch_bounds__(threads)
#endif

// What counts.
typedef unsigned long long Whole;

// Four floats on 16 bytes: one transaction.
struct alignas(16) Four {
    float at[4];
};

__device__ inline Four load4(const float* place) { return *reinterpret_cast<const Four*>(place); }

__device__ inline void store4(float* place, const Four& four) { *reinterpret_cast<Four*>(place) = four; }

// Not-a-number if either is.
__device__ inline float maximum(float a, float b) { return a > b || a != a ? a : b; }

__device__ inline float minimum(float a, float b) { return a < b || a != a ? a : b; }

__device__ inline float infinity() { return __int_as_float(0x7f800000); }

// How two values of a reduction become one.
struct Sum {
    static __device__ float start() { return 0.0f; }
    static __device__ float join(float a, float b) { return a + b; }
};

struct Max {
    static __device__ float start() { return -infinity(); }
    static __device__ float join(float a, float b) { return maximum(a, b); }
};

// A result that is done: its epilogue, then memory.
template <class Epilogue> struct Finished {
    Epilogue epilogue;
    float* out;
    template <class Index> __device__ void store(Index i, float value) const { epilogue.store(out, i, value); }
};

// A part of a sum that several blocks share: kept in the workspace, which has all elements of part 0, then those of
// part 1.
struct Partial {
    float* workspace;
    template <class Index> __device__ void store(Index i, float value) const { workspace[i] = value; }
};
