// The gradient of resampling: a thread an element of the input, which gathers from the elements of g that were read
// from it. Which these are stands in tables, as in resample. Bound by memory.
//
// Sizes: planes, height, width, out_height, out_width (of g), at(plane) (where a plane of g starts); low_y, high_y,
// share_y by index of g, first_y and end_y by index of the input (the elements of g that may have been read from
// it), and the same for x; nearest.

template <class Sizes> __device__ float counted(int low, int high, float share, int at) {
    if (Sizes::nearest) return low == at ? 1.0f : 0.0f;
    return (low == at ? 1.0f - share : 0.0f) + (high == at ? share : 0.0f);
}

template <class Sizes, class Sink> __device__ void resample_grad(const float* g, Sink sink) {
    typedef typename Sizes::Index Index;
    constexpr Index places = (Index)Sizes::height * Sizes::width;
    const Index number = (Index)blockIdx.x * blockDim.x + threadIdx.x;
    if (number >= Sizes::planes * places) return;
    const int y = (int)(number % places / Sizes::width), x = (int)(number % places % Sizes::width);
    const float* plane = g + Sizes::at(number / places);
    float sum = 0.0f;
    for (int i = Sizes::first_y(y); i < Sizes::end_y(y); i++) {
        const float row = counted<Sizes>(Sizes::low_y(i), Sizes::high_y(i), Sizes::share_y(i), y);
        for (int j = Sizes::first_x(x); j < Sizes::end_x(x); j++) {
            const float share = row * counted<Sizes>(Sizes::low_x(j), Sizes::high_x(j), Sizes::share_x(j), x);
            if (share > 0.0f) sum += plane[(Index)i * Sizes::out_width + j] * share;
        }
    }
    sink.store(number, sum);
}
