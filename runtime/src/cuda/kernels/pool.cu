// Pooling: a thread an element of the result. Bound by memory; windows that overlap are served by the caches.
//
// Sizes: planes, height, width, out_height, out_width, row (elements from row to row of x), at(plane) (where a
// plane of x starts), and an axis each: `rows` and `columns`, Sliding or Adaptive, and how a mean divides: divisor
// (0 the elements, 1 with padding up to room_h and room_w, 2 fixed) and fixed.

// The elements of a window along an axis that lie in the input: first, first + step, …
struct Span {
    int first, step, number;
};

template <int KERNEL, int STRIDE, int DILATION, int BEFORE> struct Sliding {
    static constexpr int most = KERNEL;
    static __device__ Span span(int index, int, int size) {
        const int start = index * STRIDE - BEFORE;
        const int skipped = start < 0 ? (-start + DILATION - 1) / DILATION : 0;
        const int first = start + skipped * DILATION;
        const int fits = size > first ? (size - first + DILATION - 1) / DILATION : 0;
        const int left = KERNEL - skipped;
        const int number = fits < left ? fits : left;
        return {first, DILATION, number > 0 ? number : 0};
    }
    // Elements that lie in the input or its padding, up to `room` from the padding's start.
    static __device__ int padded(int index, int, int, int room) {
        int number = 0;
        for (int k = 0; k < KERNEL; k++) number += index * STRIDE + k * DILATION < room;
        return number;
    }
    // The windows that may have element `at`, as first and one past the last.
    static __device__ int first_with(int at, int, int) {
        const int place = at + BEFORE - DILATION * (KERNEL - 1);
        return place > 0 ? (place + STRIDE - 1) / STRIDE : 0;
    }
    static __device__ int end_with(int at, int count, int) {
        const int end = (at + BEFORE) / STRIDE + 1;
        return end < count ? end : count;
    }
};

struct Adaptive {
    static __device__ Span span(int index, int count, int size) {
        const int first = (int)((long long)index * size / count);
        const int end = (int)(((long long)(index + 1) * size + count - 1) / count);
        return {first, 1, end - first};
    }
    static __device__ int padded(int index, int count, int size, int) { return span(index, count, size).number; }
    static __device__ int first_with(int at, int count, int size) { return (int)((long long)at * count / size); }
    static __device__ int end_with(int at, int count, int size) { return (int)(((long long)(at + 1) * count - 1) / size) + 1; }
};

// What the sum of a window is divided by.
template <class Sizes> __device__ float divisor(const Span& rows, const Span& columns, int y, int x) {
    if constexpr (Sizes::divisor == 0) return (float)rows.number * columns.number;
    if constexpr (Sizes::divisor == 2) return Sizes::fixed();
    const int high = Sizes::rows::padded(y, Sizes::out_height, Sizes::height, Sizes::room_h);
    return (float)high * Sizes::columns::padded(x, Sizes::out_width, Sizes::width, Sizes::room_w);
}

// Visits the elements of a window, rows first.
template <class Visit> __device__ void each(const Span& rows, const Span& columns, const Visit& visit) {
    for (int i = 0; i < rows.number; i++) {
        for (int j = 0; j < columns.number; j++) visit(rows.first + i * rows.step, columns.first + j * columns.step);
    }
}

// What softmax pooling makes of a window: its largest element, the sum of weights, and the result.
struct Softened {
    float largest, total, result;
};

template <class Sizes> __device__ Softened softened(const float* plane, const Span& rows, const Span& columns) {
    float largest = -infinity(), top = 0.0f, total = 0.0f;
    each(rows, columns, [&](int y, int x) { largest = maximum(largest, plane[(long long)y * Sizes::row + x]); });
    each(rows, columns, [&](int y, int x) {
        const float value = plane[(long long)y * Sizes::row + x], weight = expf(value - largest);
        top += value * weight;
        total += weight;
    });
    return {largest, total, top / total};
}

template <class Sizes> __device__ float pooled_max(const float* plane, const Span& rows, const Span& columns, int, int) {
    float largest = -infinity();
    each(rows, columns, [&](int y, int x) { largest = maximum(largest, plane[(long long)y * Sizes::row + x]); });
    return largest;
}

template <class Sizes> __device__ float pooled_mean(const float* plane, const Span& rows, const Span& columns, int y, int x) {
    float sum = 0.0f;
    each(rows, columns, [&](int i, int j) { sum += plane[(long long)i * Sizes::row + j]; });
    return sum / divisor<Sizes>(rows, columns, y, x);
}

template <class Sizes> __device__ float pooled_softmax(const float* plane, const Span& rows, const Span& columns, int, int) {
    return softened<Sizes>(plane, rows, columns).result;
}

template <class Sizes, float (*pooled)(const float*, const Span&, const Span&, int, int), class Sink>
__device__ void pool(const float* x, Sink sink) {
    typedef typename Sizes::Index Index;
    const Index i = (Index)blockIdx.x * blockDim.x + threadIdx.x;
    constexpr Index places = (Index)Sizes::out_height * Sizes::out_width;
    if (i >= Sizes::planes * places) return;
    const int y = (int)(i % places / Sizes::out_width), x_ = (int)(i % places % Sizes::out_width);
    const Span rows = Sizes::rows::span(y, Sizes::out_height, Sizes::height);
    const Span columns = Sizes::columns::span(x_, Sizes::out_width, Sizes::width);
    sink.store(i, pooled(x + Sizes::at(i / places), rows, columns, y, x_));
}
