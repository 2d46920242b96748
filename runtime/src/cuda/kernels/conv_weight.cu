// The gradient of a convolution by its weight as a product: rows are the gradient's channels of a group, columns
// the group's input channels with the window, and the depth runs over the places of all images. The depth is long
// and the result small, so the depth is divided among blocks; what they sum is joined in a second pass.
//
// Sizes: as those of conv, and gradient (elements from one image of g to the next).

template <class Sizes> struct ConvWeight {
    typedef typename Sizes::Index Index;
    static constexpr bool A_ALONG_DEPTH = true, B_ALONG_DEPTH = true;
    static constexpr int area = Sizes::kernel_h * Sizes::kernel_w;
    static constexpr Index places = (Index)Sizes::out_height * Sizes::out_width;
    static constexpr Index rows = Sizes::out_channels, columns = (Index)Sizes::in_channels * area, depth = Sizes::images * places;
    static constexpr Index plane = (Index)Sizes::height * Sizes::width;
    static constexpr bool is_plain = area == 1 && Sizes::stride_h == 1 && Sizes::stride_w == 1 && Sizes::before_h == 0 && Sizes::before_w == 0 && places == plane;
    static constexpr bool A_FOURS = Sizes::aligned && places % 4 == 0 && Sizes::gradient % 4 == 0;
    static constexpr bool B_FOURS = Sizes::aligned && is_plain && places % 4 == 0 && Sizes::image % 4 == 0;
    const float *left, *right;
    int group;

    typedef PlaceOf<Index> Row;
    typedef WindowOf<Index> Column;

    __device__ Row row(Index m) const { return {(group * rows + m) * places, m < rows}; }

    __device__ Column column(Index n) const {
        const Index channel = n / area;
        const int window = (int)(n % area);
        const int y = window / Sizes::kernel_w * Sizes::dilation_h - Sizes::before_h, x_ = window % Sizes::kernel_w * Sizes::dilation_w - Sizes::before_w;
        return {(group * Sizes::in_channels + channel) * plane, n, y, x_, n < columns};
    }

    __device__ Element<Index> a(const Row& row, Index k) const {
        return {k / places * Sizes::gradient + row.first + k % places, row.inside};
    }

    __device__ Element<Index> b(const Column& column, Index k) const {
        const Index image = k / places, place = k % places;
        const int y = (int)(place / Sizes::out_width) * Sizes::stride_h + column.y;
        const int x_ = (int)(place % Sizes::out_width) * Sizes::stride_w + column.x;
        const bool inside = column.inside && (unsigned)y < (unsigned)Sizes::height && (unsigned)x_ < (unsigned)Sizes::width;
        return {image * Sizes::image + column.first + y * Sizes::width + x_, inside};
    }

    __device__ Index number(Index m, const Column& column) const { return (group * rows + m) * columns + column.number; }
};

template <class Sizes, class Tile, class Sink> __device__ void conv_weight(const float* x, const float* gradient, Sink sink) {
    const int part = blockIdx.z % Sizes::parts, group = blockIdx.z / Sizes::parts;
    product<Tile>(ConvWeight<Sizes>{gradient, x, group}, sink, part, Sizes::parts);
}
