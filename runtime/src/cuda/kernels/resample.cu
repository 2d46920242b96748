// Planes enlarged or made smaller by reading between elements: a thread an element of the result. Between which
// elements of an axis each lies is computed when the kernel is written, in float64, and stands in tables. Bound by
// memory.
//
// Sizes: planes, height, width, out_height, out_width, at(plane); low_y, high_y, share_y and the same for x: tables
// by output index. The nearest element is `low`.

template <class Sizes, class Sink> __device__ void resample_nearest(const float* x, Sink sink) {
    typedef typename Sizes::Index Index;
    constexpr Index places = (Index)Sizes::out_height * Sizes::out_width;
    const Index i = (Index)blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= Sizes::planes * places) return;
    const int row = (int)(i % places / Sizes::out_width), column = (int)(i % places % Sizes::out_width);
    sink.store(i, x[Sizes::at(i / places) + (Index)Sizes::low_y(row) * Sizes::width + Sizes::low_x(column)]);
}

template <class Sizes, class Sink> __device__ void resample_bilinear(const float* x, Sink sink) {
    typedef typename Sizes::Index Index;
    constexpr Index places = (Index)Sizes::out_height * Sizes::out_width;
    const Index i = (Index)blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= Sizes::planes * places) return;
    const int row = (int)(i % places / Sizes::out_width), column = (int)(i % places % Sizes::out_width);
    const float* above = x + Sizes::at(i / places) + (Index)Sizes::low_y(row) * Sizes::width;
    const float* below = x + Sizes::at(i / places) + (Index)Sizes::high_y(row) * Sizes::width;
    const int left = Sizes::low_x(column), right = Sizes::high_x(column);
    const float across = Sizes::share_x(column), down = Sizes::share_y(row);
    const float upper = (1.0f - across) * above[left] + across * above[right];
    const float lower = (1.0f - across) * below[left] + across * below[right];
    sink.store(i, (1.0f - down) * upper + down * lower);
}
