// Zeros around a tensor, or parts of it cut off: a thread an element of the result. Bound by memory.
//
// Sizes: count, and find(i, place): whether element i of the result is one of x, and which.

template <class Sizes, class Sink> __device__ void pad(const float* x, Sink sink) {
    typedef typename Sizes::Index Index;
    const Index i = (Index)blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= Sizes::count) return;
    Index place = 0;
    sink.store(i, Sizes::find(i, place) ? x[place] : 0.0f);
}
