// The second pass over what several blocks share: the parts of each element, joined in their order.
//
// Bound by memory: a warp reads 32 neighbouring elements of one part after another.

template <class Sizes, class Join, class Epilogue> __device__ void combine(const float* workspace, const Epilogue& epilogue, float* out) {
    typedef typename Sizes::Index Index;
    const Index i = (Index)blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= Sizes::count) return;
    float joined = workspace[i];
    for (int part = 1; part < Sizes::parts; part++) joined = Join::join(joined, workspace[part * Sizes::count + i]);
    epilogue.store(out, i, joined);
}
