// Sums and maxima over axes. `Sizes` says how many results there are (`count`) and of how many elements each
// (`length`), and where lies element r of result i: at first(i) + rest(r). Where `parts` is more than 1, the
// elements are divided among blocks, which leave theirs in the workspace, and a second pass joins them. Bound by
// memory.
//
// Two ways to go: along the elements of one result, where these are neighbours in memory, and across results, where
// those are. Along the elements, a thread reads 16 bytes where any four of them, counted from a multiple of four, lie
// so (`fours`).

// The elements from r on that are read at once, as one value.
template <class Sizes, class Join> struct Together {
    typedef typename Sizes::Index Index;
    static constexpr int count = Sizes::fours ? 4 : 1;
    static __device__ float at(const float* from, Index r) {
        if constexpr (Sizes::fours) {
            const Four four = load4(from + Sizes::rest(r));
            return Join::join(Join::join(four.at[0], four.at[1]), Join::join(four.at[2], four.at[3]));
        } else {
            return from[Sizes::rest(r)];
        }
    }
};

// A block a result: threads take elements in turn.
template <class Sizes, class Join, class Sink> __device__ void reduce_along(const float* x, Sink sink) {
    typedef typename Sizes::Index Index;
    typedef Together<Sizes, Join> Read;
    const Index i = blockIdx.x;
    const Index first = (Index)((unsigned long long)(Sizes::length / Read::count) * blockIdx.y / Sizes::parts) * Read::count;
    const Index last = (Index)((unsigned long long)(Sizes::length / Read::count) * (blockIdx.y + 1) / Sizes::parts) * Read::count;
    const float* from = x + Sizes::first(i);
    float value = Join::start();
    for (Index r = first + threadIdx.x * Read::count; r < last; r += blockDim.x * Read::count) value = Join::join(value, Read::at(from, r));
    value = joined<Join>(value);
    if (threadIdx.x == 0) sink.store(blockIdx.y * Sizes::count + i, value);
}

// A warp a result, for short ones.
template <class Sizes, class Join, class Sink> __device__ void reduce_warp(const float* x, Sink sink) {
    typedef typename Sizes::Index Index;
    typedef Together<Sizes, Join> Read;
    const Index i = (Index)blockIdx.x * (blockDim.x / 32) + threadIdx.x / 32;
    if (i >= Sizes::count) return;
    const float* from = x + Sizes::first(i);
    float value = Join::start();
    for (Index r = threadIdx.x % 32 * Read::count; r < Sizes::length; r += 32 * Read::count) value = Join::join(value, Read::at(from, r));
    #pragma unroll
    for (int apart = 16; apart > 0; apart /= 2) value = Join::join(value, __shfl_down_sync(0xffffffffu, value, apart));
    if (threadIdx.x % 32 == 0) sink.store(i, value);
}

// Blocks of 32 results by 8 shares of their elements: a warp reads 32 neighbouring results.
template <class Sizes, class Join, class Sink> __device__ void reduce_across(const float* x, Sink sink) {
    typedef typename Sizes::Index Index;
    __shared__ float shares[8][33];
    const int lane = threadIdx.x % 32, share = threadIdx.x / 32;
    const Index i = (Index)blockIdx.x * 32 + lane;
    const Index first = (Index)((unsigned long long)Sizes::length * blockIdx.y / Sizes::parts);
    const Index last = (Index)((unsigned long long)Sizes::length * (blockIdx.y + 1) / Sizes::parts);
    float value = Join::start();
    if (i < Sizes::count) {
        const float* from = x + Sizes::first(i);
        for (Index r = first + share; r < last; r += 8) value = Join::join(value, from[Sizes::rest(r)]);
    }
    shares[share][lane] = value;
    __syncthreads();
    if (share == 0 && i < Sizes::count) {
        for (int other = 1; other < 8; other++) value = Join::join(value, shares[other][lane]);
        sink.store(blockIdx.y * Sizes::count + i, value);
    }
}
