// The gradient of pooling: a thread an element of the input, which gathers what the windows it lies in hand it,
// windows in their order. A maximum is looked for again in each window: reading the few elements of a window from
// the caches costs less than keeping places. Bound by memory.
//
// Sizes: as those of pool, where out_height and out_width are those of g; row and at(plane) are
// of x, gradient_row and gradient(plane) of g.

// The part of a window's gradient that its element (y, x) gets.
template <class Sizes> __device__ float handed_max(const float* plane, const Span& rows, const Span& columns, int y, int x, int, int) {
    bool found = false;
    float best = 0.0f;
    int best_y = -1, best_x = -1;
    each(rows, columns, [&](int i, int j) {
        const float value = plane[(long long)i * Sizes::row + j];
        const bool larger = value > best || (value != value && best == best);
        if (!found || larger) {
            best = value;
            best_y = i;
            best_x = j;
        }
        found = true;
    });
    return best_y == y && best_x == x ? 1.0f : 0.0f;
}

template <class Sizes> __device__ float handed_mean(const float*, const Span& rows, const Span& columns, int, int, int i, int j) {
    return 1.0f / divisor<Sizes>(rows, columns, i, j);
}

template <class Sizes> __device__ float handed_softmax(const float* plane, const Span& rows, const Span& columns, int y, int x, int, int) {
    const Softened window = softened<Sizes>(plane, rows, columns);
    const float value = plane[(long long)y * Sizes::row + x];
    return expf(value - window.largest) / window.total * (1.0f + value - window.result);
}

__device__ inline bool has(const Span& span, int at) {
    return at >= span.first && at < span.first + span.step * span.number && (at - span.first) % span.step == 0;
}

template <class Sizes, float (*handed)(const float*, const Span&, const Span&, int, int, int, int), class Sink>
__device__ void pool_grad(const float* x, const float* g, Sink sink) {
    typedef typename Sizes::Index Index;
    typedef typename Sizes::rows Rows;
    typedef typename Sizes::columns Columns;
    const Index number = (Index)blockIdx.x * blockDim.x + threadIdx.x;
    constexpr Index places = (Index)Sizes::height * Sizes::width;
    if (number >= Sizes::planes * places) return;
    const int y = (int)(number % places / Sizes::width), x_ = (int)(number % places % Sizes::width);
    const float* plane = x + Sizes::at(number / places);
    const float* gradient = g + Sizes::gradient(number / places);
    const int end_y = Rows::end_with(y, Sizes::out_height, Sizes::height), end_x = Columns::end_with(x_, Sizes::out_width, Sizes::width);
    float sum = 0.0f;
    for (int i = Rows::first_with(y, Sizes::out_height, Sizes::height); i < end_y; i++) {
        const Span rows = Rows::span(i, Sizes::out_height, Sizes::height);
        if (!has(rows, y)) continue;
        for (int j = Columns::first_with(x_, Sizes::out_width, Sizes::width); j < end_x; j++) {
            const Span columns = Columns::span(j, Sizes::out_width, Sizes::width);
            if (!has(columns, x_)) continue;
            const float share = handed(plane, rows, columns, y, x_, i, j);
            // A window whose largest element lies elsewhere hands on nothing, not even what is not a number.
            if (share != 0.0f) sum += gradient[(long long)i * Sizes::gradient_row + j] * share;
        }
    }
    sink.store(number, sum);
}
