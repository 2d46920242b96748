// Products of matrices, either of them transposed, whose rows may lie at a distance.
//
// Sizes: rows, columns, depth, a_row and a_depth, b_depth and b_column (elements from one to the next), parts, aligned
// (whether both begin on 16 bytes).

template <class Sizes> struct Gemm {
    typedef typename Sizes::Index Index;
    static constexpr bool A_ALONG_DEPTH = Sizes::a_depth == 1, B_ALONG_DEPTH = Sizes::b_depth == 1 && Sizes::b_column != 1;
    static constexpr Index rows = Sizes::rows, columns = Sizes::columns, depth = Sizes::depth;
    static constexpr bool A_FOURS = Sizes::aligned && (A_ALONG_DEPTH ? depth % 4 == 0 && Sizes::a_row % 4 == 0 : Sizes::a_row == 1 && rows % 4 == 0 && Sizes::a_depth % 4 == 0);
    static constexpr bool B_FOURS = Sizes::aligned && (B_ALONG_DEPTH ? depth % 4 == 0 && Sizes::b_column % 4 == 0 : Sizes::b_column == 1 && columns % 4 == 0 && Sizes::b_depth % 4 == 0);
    const float *left, *right;

    typedef PlaceOf<Index> Row;
    struct Column {
        Index first, number;
        bool inside;
    };

    __device__ Row row(Index m) const { return {m * Sizes::a_row, m < rows}; }
    __device__ Column column(Index n) const { return {n * Sizes::b_column, n, n < columns}; }
    __device__ Element<Index> a(const Row& row, Index k) const { return {row.first + k * Sizes::a_depth, row.inside}; }
    __device__ Element<Index> b(const Column& column, Index k) const { return {column.first + k * Sizes::b_depth, column.inside}; }
    __device__ Index number(Index m, const Column& column) const { return m * columns + column.number; }
};

template <class Sizes, class Tile, class Sink> __device__ void gemm(const float* left, const float* right, Sink sink) {
    product<Tile>(Gemm<Sizes>{left, right}, sink, blockIdx.z, Sizes::parts);
}

// A linear layer of a few rows: a warp computes the products of one row of b with all rows of a, `Sizes::rows` of
// them. Bound by memory: b is read once, by 16 bytes a thread where its rows lie on 16 bytes (`Sizes::fours`).
template <class Sizes, class Sink> __device__ void gemm_vector(const float* left, const float* right, Sink sink) {
    typedef typename Sizes::Index Index;
    const int lane = threadIdx.x % 32;
    const Index column = (Index)blockIdx.x * (blockDim.x / 32) + threadIdx.x / 32;
    if (column >= Sizes::columns) return;
    const float* weights = right + column * Sizes::b_column;
    float sums[Sizes::rows] = {};
    constexpr int step = Sizes::fours ? 4 : 1;
    for (Index k = lane * step; k < Sizes::depth; k += 32 * step) {
        if constexpr (Sizes::fours) {
            const Four b = load4(weights + k);
            #pragma unroll
            for (int m = 0; m < Sizes::rows; m++) {
                const Four a = load4(left + m * Sizes::a_row + k);
                #pragma unroll
                for (int j = 0; j < 4; j++) sums[m] += a.at[j] * b.at[j];
            }
        } else {
            const float b = weights[k];
            #pragma unroll
            for (int m = 0; m < Sizes::rows; m++) sums[m] += left[m * Sizes::a_row + k] * b;
        }
    }
    #pragma unroll
    for (int m = 0; m < Sizes::rows; m++) {
        #pragma unroll
        for (int apart = 16; apart > 0; apart /= 2) sums[m] += __shfl_xor_sync(0xffffffffu, sums[m], apart);
        if (lane == 0) sink.store(m * Sizes::columns + column, sums[m]);
    }
}
