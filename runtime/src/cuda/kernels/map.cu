// Element by element: a thread an element, or four that lie together.
//
// Bound by memory. Four at a time, a warp reads and writes 512 bytes in one instruction.

template <class Element, class Out> __device__ void map(const Element& element, Out* out) {
    typedef typename Element::Index Index;
    const Index i = (Index)blockIdx.x * blockDim.x + threadIdx.x;
    if (i < Element::count) element.store(out, i);
}

template <class Element> __device__ void map4(const Element& element, float* out) {
    typedef typename Element::Index Index;
    const Index i = 4 * ((Index)blockIdx.x * blockDim.x + threadIdx.x);
    if (i < Element::count) element.store4(out, i);
}
