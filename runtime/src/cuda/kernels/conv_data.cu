// Transposed convolution, and the gradient of a convolution by its data, as a product: every element of the result
// gathers what reached it. Rows are output channels of a group, columns places of all images, and the depth runs
// over the group's input channels and the window.
//
// With a stride, only every stride-th element of the window reaches a place. Places of the same remainder (a phase)
// are reached by the same elements, so each phase is a product of its own with no multiplication by zero but at the
// window's edge. With a dilation there is one phase, and elements that reach nothing are multiplied as zeros.
//
// Sizes: images, groups, in_channels and out_channels (of a group), height and width of x, out_height, out_width,
// kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w, before_h, before_w, image (elements from one
// image of x to the next), parts.

template <class Sizes> struct ConvData {
    typedef typename Sizes::Index Index;
    static constexpr bool A_ALONG_DEPTH = true, B_ALONG_DEPTH = false;
    static constexpr int phases_h = Sizes::dilation_h == 1 ? Sizes::stride_h : 1, phases_w = Sizes::dilation_w == 1 ? Sizes::stride_w : 1;
    static constexpr int phases = phases_h * phases_w;
    // Window elements of a phase; the last may lie outside the window.
    static constexpr int window_h = (Sizes::kernel_h + phases_h - 1) / phases_h, window_w = (Sizes::kernel_w + phases_w - 1) / phases_w;
    static constexpr int area = window_h * window_w;
    static constexpr int phase_height = (Sizes::out_height + phases_h - 1) / phases_h, phase_width = (Sizes::out_width + phases_w - 1) / phases_w;
    static constexpr Index phase_places = (Index)phase_height * phase_width, places = (Index)Sizes::out_height * Sizes::out_width;
    static constexpr Index rows = Sizes::out_channels, columns = Sizes::images * phase_places, depth = (Index)Sizes::in_channels * area;
    static constexpr Index plane = (Index)Sizes::height * Sizes::width;
    static constexpr bool A_FOURS = false, B_FOURS = false;
    const float *left, *right;
    int group, phase_y, phase_x;

    typedef PlaceOf<Index> Row;
    typedef WindowOf<Index> Column;

    __device__ Row row(Index m) const {
        return {(group * Sizes::in_channels * rows + m) * (Sizes::kernel_h * Sizes::kernel_w), m < rows};
    }

    __device__ Column column(Index n) const {
        const Index image = n / phase_places, place = n % phase_places;
        const int y = (int)(place / phase_width) * phases_h + phase_y, x_ = (int)(place % phase_width) * phases_w + phase_x;
        const bool inside = n < columns && y < Sizes::out_height && x_ < Sizes::out_width;
        const Index number = (image * Sizes::groups + group) * rows * places + (Index)y * Sizes::out_width + x_;
        return {image * Sizes::image + group * Sizes::in_channels * plane, number, y + Sizes::before_h, x_ + Sizes::before_w, inside};
    }

    // The window's elements that reach this phase start at its remainder and come in steps of the stride.
    __device__ int window_y(Index k) const {
        return phases_h == 1 ? (int)(k % area) / window_w : (phase_y + Sizes::before_h) % phases_h + (int)(k % area) / window_w * phases_h;
    }
    __device__ int window_x(Index k) const {
        return phases_w == 1 ? (int)(k % area) % window_w : (phase_x + Sizes::before_w) % phases_w + (int)(k % area) % window_w * phases_w;
    }

    __device__ Element<Index> a(const Row& row, Index k) const {
        const int y = window_y(k), x_ = window_x(k);
        const bool inside = row.inside && y < Sizes::kernel_h && x_ < Sizes::kernel_w;
        const Index channel = k / area;
        return {row.first + channel * rows * (Sizes::kernel_h * Sizes::kernel_w) + y * Sizes::kernel_w + x_, inside};
    }

    __device__ Element<Index> b(const Column& column, Index k) const {
        const int y = column.y - window_y(k) * Sizes::dilation_h, x_ = column.x - window_x(k) * Sizes::dilation_w;
        const bool reaches = column.inside && y >= 0 && x_ >= 0 && y % Sizes::stride_h == 0 && x_ % Sizes::stride_w == 0
            && y / Sizes::stride_h < Sizes::height && x_ / Sizes::stride_w < Sizes::width;
        return {column.first + k / area * plane + y / Sizes::stride_h * Sizes::width + x_ / Sizes::stride_w, reaches};
    }

    __device__ Index number(Index m, const Column& column) const { return column.number + m * places; }
};

template <class Sizes, class Tile, class Sink> __device__ void conv_data(const float* x, const float* weight, Sink sink) {
    typedef ConvData<Sizes> Problem;
    const int part = blockIdx.z % Sizes::parts, phase = blockIdx.z / Sizes::parts % Problem::phases;
    const int group = blockIdx.z / Sizes::parts / Problem::phases;
    product<Tile>(Problem{weight, x, group, phase / Problem::phases_w, phase % Problem::phases_w}, sink, part, Sizes::parts);
}
