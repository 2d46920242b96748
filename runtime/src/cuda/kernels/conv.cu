// Convolution as a product, the image read where it lies (implicit GEMM): rows are output channels of a group,
// columns the places of all images, and the depth runs over the group's channels and the window. With enough
// channels arithmetic bounds it.
//
// Sizes: images, groups, in_channels and out_channels (of a group), height, width, out_height, out_width, kernel_h,
// kernel_w, stride_h, stride_w, dilation_h, dilation_w, before_h, before_w, image (elements from one image of x to
// the next), parts, aligned (whether both operands begin on 16 bytes).

template <class Sizes> struct Conv {
    typedef typename Sizes::Index Index;
    static constexpr bool A_ALONG_DEPTH = true, B_ALONG_DEPTH = false;
    static constexpr int area = Sizes::kernel_h * Sizes::kernel_w;
    static constexpr Index places = (Index)Sizes::out_height * Sizes::out_width;
    static constexpr Index rows = Sizes::out_channels, columns = Sizes::images * places, depth = (Index)Sizes::in_channels * area;
    static constexpr Index plane = (Index)Sizes::height * Sizes::width;
    // Weights of a row are neighbours; places of an image are those of x where the window is a single one on each place.
    static constexpr bool is_plain = area == 1 && Sizes::stride_h == 1 && Sizes::stride_w == 1 && Sizes::before_h == 0 && Sizes::before_w == 0 && places == plane;
    static constexpr bool A_FOURS = Sizes::aligned && depth % 4 == 0;
    static constexpr bool B_FOURS = Sizes::aligned && is_plain && plane % 4 == 0 && Sizes::image % 4 == 0;
    const float *left, *right;
    int group;

    typedef PlaceOf<Index> Row;
    typedef WindowOf<Index> Column;

    __device__ Row row(Index m) const { return {(group * rows + m) * depth, m < rows}; }

    __device__ Column column(Index n) const {
        const Index image = n / places, place = n % places;
        const int y = (int)(place / Sizes::out_width) * Sizes::stride_h - Sizes::before_h;
        const int x = (int)(place % Sizes::out_width) * Sizes::stride_w - Sizes::before_w;
        const Index first = image * Sizes::image + group * Sizes::in_channels * plane;
        return {first, (image * Sizes::groups + group) * rows * places + place, y, x, n < columns};
    }

    __device__ Element<Index> a(const Row& row, Index k) const { return {row.first + k, row.inside}; }

    __device__ Element<Index> b(const Column& column, Index k) const {
        const int window = (int)(k % area);
        const int y = column.y + window / Sizes::kernel_w * Sizes::dilation_h;
        const int x_ = column.x + window % Sizes::kernel_w * Sizes::dilation_w;
        const bool inside = column.inside && (unsigned)y < (unsigned)Sizes::height && (unsigned)x_ < (unsigned)Sizes::width;
        return {column.first + k / area * plane + y * Sizes::width + x_, inside};
    }

    __device__ Index number(Index m, const Column& column) const { return column.number + m * places; }
};

template <class Sizes, class Tile, class Sink> __device__ void conv(const float* x, const float* weight, Sink sink) {
    const int part = blockIdx.z % Sizes::parts, group = blockIdx.z / Sizes::parts;
    product<Tile>(Conv<Sizes>{weight, x, group}, sink, part, Sizes::parts);
}
