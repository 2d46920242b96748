// A tiled product: result(m, n) is the sum over k of a(m, k) b(k, n). Convolutions and matrix products are problems
// of this one kernel.
//
// A problem says how large it is and reads its operands by index, so that an image is never copied into a matrix:
//     Index rows, columns, depth                    sizes; outside of them operands are read as zero
//     const float *left, *right                     where a and b lie
//     Row row(Index m), Column column(Index n)      what reading needs to know of a row of a and of a column of b, computed once a thread;
//                                                   `inside` says whether there is such a one
//     Element a(Row, Index k), b(Column, Index k)   the number of the element in `left` and `right`, and whether there is one
//     A_ALONG_DEPTH, B_ALONG_DEPTH                  whether neighbours in memory are those along k: threads of a warp read these
//     A_FOURS, B_FOURS                              whether four such neighbours, counted from a multiple of four, lie together on
//                                                   16 bytes, all inside or all outside
//     Index number(Index m, Column)                 the element of the result
//
// A block computes a tile of the result. Stages of a and b go to shared memory (`stages.cu`), one barrier a stage.
// Every thread keeps a part of the tile in registers, 4 x 4 at the least: of 8 values that it reads from shared memory
// it makes 16 products, of 16 values 64, which is 2 and 1 bytes a multiply-add. Shared memory gives a multiprocessor
// 128 bytes a cycle and it multiplies 128 times, so arithmetic bounds large tiles and shared memory small ones. To
// bring a stage of 128 x 128 x 8 a thread puts in 8 copies, for 512 multiply-adds.

template <int ROWS, int COLUMNS, int DEPTH, int THREAD_ROWS, int THREAD_COLUMNS, int STAGES> struct Tile {
    static constexpr int rows = ROWS, columns = COLUMNS, depth = DEPTH, stages = STAGES;
    static constexpr int thread_rows = THREAD_ROWS, thread_columns = THREAD_COLUMNS;
    static constexpr int threads = ROWS / THREAD_ROWS * (COLUMNS / THREAD_COLUMNS);
    // Threads read neighbouring lines at one depth.
    typedef Stage<ROWS, DEPTH, false> StageA;
    typedef Stage<COLUMNS, DEPTH, false> StageB;
    template <class Operand, class Stage> using Loader = Copied<Operand, Stage, threads>;
};

// The sums over k from `first` up to `last` of the block's tile, handed to the sink.
template <int ROWS, int COLUMNS, int DEPTH, int THREAD_ROWS, int THREAD_COLUMNS, int STAGES, class Problem, class Sink>
__device__ void product_tile(
    Tile<ROWS, COLUMNS, DEPTH, THREAD_ROWS, THREAD_COLUMNS, STAGES>, const Problem& problem, const Sink& sink, typename Problem::Index first,
    typename Problem::Index last
) {
    typedef ::Tile<ROWS, COLUMNS, DEPTH, THREAD_ROWS, THREAD_COLUMNS, STAGES> Tile;
    typedef typename Problem::Index Index;
    constexpr int ACROSS = Tile::columns / Tile::thread_columns, DOWN = Tile::rows / Tile::thread_rows;
    const int across = 4 * (threadIdx.x % ACROSS), down = 4 * (threadIdx.x / ACROSS);
    float sums[Tile::thread_rows][Tile::thread_columns] = {};
    pipeline<Tile>(problem, first, last, [&](const float* shared_a, const float* shared_b) {
        #pragma unroll
        for (int k = 0; k < Tile::depth; k++) {
            float a[Tile::thread_rows], b[Tile::thread_columns];
            #pragma unroll
            for (int i = 0; i < Tile::thread_rows; i += 4) {
                const Four four = load4(shared_a + Tile::StageA::at(i * DOWN + down, k));
                #pragma unroll
                for (int j = 0; j < 4; j++) a[i + j] = four.at[j];
            }
            #pragma unroll
            for (int i = 0; i < Tile::thread_columns; i += 4) {
                const Four four = load4(shared_b + Tile::StageB::at(i * ACROSS + across, k));
                #pragma unroll
                for (int j = 0; j < 4; j++) b[i + j] = four.at[j];
            }
            #pragma unroll
            for (int i = 0; i < Tile::thread_rows; i++) {
                #pragma unroll
                for (int j = 0; j < Tile::thread_columns; j++) sums[i][j] += a[i] * b[j];
            }
        }
    });

    const Index m0 = (Index)blockIdx.y * Tile::rows, n0 = (Index)blockIdx.x * Tile::columns;
    #pragma unroll
    for (int j = 0; j < Tile::thread_columns; j++) {
        const Index n = n0 + j / 4 * 4 * ACROSS + across + j % 4;
        const typename Problem::Column place = problem.column(n);
        if (!place.inside) continue;
        #pragma unroll
        for (int i = 0; i < Tile::thread_rows; i++) {
            const Index m = m0 + i / 4 * 4 * DOWN + down + i % 4;
            if (m < problem.rows) sink.store(problem.number(m, place), sums[i][j]);
        }
    }
}

// Part `part` of `parts` of the sum, by a tile of float32 or one for tensor cores.
template <class Tile, class Problem, class Sink>
__device__ void product(const Problem& problem, const Sink& sink, int part, int parts) {
    typedef typename Problem::Index Index;
    const Index stages = (problem.depth + Tile::depth - 1) / Tile::depth;
    const Index first = stages * part / parts * Tile::depth, end = stages * (part + 1) / parts * Tile::depth;
    const Index last = end < problem.depth ? end : problem.depth;
    product_tile(Tile{}, problem, sink, first, last);
}
