// What the threads of a block hold, joined into one value: within warps by shuffles, among them through shared
// memory. All threads of the block must come here; the value is thread 0's. A block has at most 1024 threads, a
// multiple of 32.

template <class Join> __device__ float joined(float value) {
    __shared__ float warps[32];
    #pragma unroll
    for (int apart = 16; apart > 0; apart /= 2) value = Join::join(value, __shfl_down_sync(0xffffffffu, value, apart));
    if (threadIdx.x % 32 == 0) warps[threadIdx.x / 32] = value;
    __syncthreads();
    if (threadIdx.x < 32) {
        value = threadIdx.x < blockDim.x / 32 ? warps[threadIdx.x] : Join::start();
        #pragma unroll
        for (int apart = 16; apart > 0; apart /= 2) value = Join::join(value, __shfl_down_sync(0xffffffffu, value, apart));
    }
    return value;
}
