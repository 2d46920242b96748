// A tiled product: result(m, n) is the sum over k of a(m, k) b(k, n). Convolutions and matrix products are problems
// of this one kernel.
//
// A problem says how large it is and reads its operands by index, so that an image is never copied into a matrix:
//     Index rows, columns, depth                    sizes; outside of them operands are read as zero
//     Row row(Index m), Column column(Index n)      what reading needs to know of a row of a and of a column of b, computed once a thread;
//                                                   `inside` says whether there is such a one
//     float a(Row, Index k), float b(Column, Index k)
//     A_ALONG_DEPTH, B_ALONG_DEPTH                  whether neighbours in memory are those along k: threads of a warp read these
//     Index number(Index m, Column)                 the element of the result
//
// A block computes a tile of the result. Tiles of a and b go through shared memory, two stages in turn: while one
// is multiplied, the next is on its way from memory to registers, so there is one barrier a stage. Every thread
// keeps a part of the tile in registers, 4 x 4 at the least: of 8 values that it reads from shared memory it makes
// 16 products, of 16 values 64, so arithmetic bounds large tiles and shared memory small ones.

template <int ROWS, int COLUMNS, int DEPTH, int THREAD_ROWS, int THREAD_COLUMNS> struct Tile {
    static constexpr int rows = ROWS, columns = COLUMNS, depth = DEPTH;
    static constexpr int thread_rows = THREAD_ROWS, thread_columns = THREAD_COLUMNS;
    static constexpr int threads = ROWS / THREAD_ROWS * (COLUMNS / THREAD_COLUMNS);
};

// Which cells of a tile of `SIZE` rows (or columns) and `DEPTH` a thread brings: neighbouring threads bring
// neighbours in memory.
template <int SIZE, int DEPTH, int THREADS, bool ALONG_DEPTH> struct Cells {
    static constexpr int count = SIZE * DEPTH / THREADS;
    static_assert(SIZE * DEPTH % THREADS == 0, "every thread brings as many");
    static __device__ int place(int cell) { return ALONG_DEPTH ? number(cell) / DEPTH : number(cell) % SIZE; }
    static __device__ int depth(int cell) { return ALONG_DEPTH ? number(cell) % DEPTH : number(cell) / SIZE; }

  private:
    static __device__ int number(int cell) { return (int)threadIdx.x + cell * THREADS; }
};

// What reading needs to know of a row: where it begins.
template <class Index> struct PlaceOf {
    Index first;
    bool inside;
};

// What reading needs to know of a column that is a place of an image: the image, the number of the result, and where the window lies.
template <class Index> struct WindowOf {
    Index first, number;
    int y, x;
    bool inside;
};

// The rows and columns of the cells that a thread brings.
template <class Problem, class CellsA, class CellsB> struct Lines {
    typedef typename Problem::Index Index;
    typename Problem::Row row[CellsA::count];
    typename Problem::Column column[CellsB::count];

    __device__ Lines(const Problem& problem, Index m0, Index n0) {
        #pragma unroll
        for (int cell = 0; cell < CellsA::count; cell++) row[cell] = problem.row(m0 + CellsA::place(cell));
        #pragma unroll
        for (int cell = 0; cell < CellsB::count; cell++) column[cell] = problem.column(n0 + CellsB::place(cell));
    }
};

// The sums over k from `first` up to `last` of the block's tile, handed to the sink.
template <int ROWS, int COLUMNS, int DEPTH, int THREAD_ROWS, int THREAD_COLUMNS, class Problem, class Sink>
__device__ void product_tile(
    Tile<ROWS, COLUMNS, DEPTH, THREAD_ROWS, THREAD_COLUMNS>, const Problem& problem, const Sink& sink, typename Problem::Index first,
    typename Problem::Index last
) {
    typedef ::Tile<ROWS, COLUMNS, DEPTH, THREAD_ROWS, THREAD_COLUMNS> Tile;
    typedef typename Problem::Index Index;
    typedef Cells<Tile::rows, Tile::depth, Tile::threads, Problem::A_ALONG_DEPTH> CellsA;
    typedef Cells<Tile::columns, Tile::depth, Tile::threads, Problem::B_ALONG_DEPTH> CellsB;
    // Four more, so that rows start on different banks and on 16 bytes.
    alignas(16) __shared__ float shared_a[2][Tile::depth][Tile::rows + 4];
    alignas(16) __shared__ float shared_b[2][Tile::depth][Tile::columns + 4];
    const Index m0 = (Index)blockIdx.y * Tile::rows, n0 = (Index)blockIdx.x * Tile::columns;

    const Lines<Problem, CellsA, CellsB> lines(problem, m0, n0);
    float brought_a[CellsA::count], brought_b[CellsB::count];
    const auto bring = [&](Index k0) {
        #pragma unroll
        for (int cell = 0; cell < CellsA::count; cell++) {
            const Index k = k0 + CellsA::depth(cell);
            brought_a[cell] = k < last ? problem.a(lines.row[cell], k) : 0.0f;
        }
        #pragma unroll
        for (int cell = 0; cell < CellsB::count; cell++) {
            const Index k = k0 + CellsB::depth(cell);
            brought_b[cell] = k < last ? problem.b(lines.column[cell], k) : 0.0f;
        }
    };
    const auto put = [&](int stage) {
        #pragma unroll
        for (int cell = 0; cell < CellsA::count; cell++) shared_a[stage][CellsA::depth(cell)][CellsA::place(cell)] = brought_a[cell];
        #pragma unroll
        for (int cell = 0; cell < CellsB::count; cell++) shared_b[stage][CellsB::depth(cell)][CellsB::place(cell)] = brought_b[cell];
    };

    constexpr int ACROSS = Tile::columns / Tile::thread_columns, DOWN = Tile::rows / Tile::thread_rows;
    const int across = 4 * (threadIdx.x % ACROSS), down = 4 * (threadIdx.x / ACROSS);
    float sums[Tile::thread_rows][Tile::thread_columns] = {};
    bring(first);
    put(0);
    __syncthreads();
    int stage = 0;
    for (Index k0 = first; k0 < last; k0 += Tile::depth) {
        const bool more = k0 + Tile::depth < last;
        if (more) bring(k0 + Tile::depth);
        #pragma unroll
        for (int k = 0; k < Tile::depth; k++) {
            float a[Tile::thread_rows], b[Tile::thread_columns];
            #pragma unroll
            for (int i = 0; i < Tile::thread_rows; i += 4) {
                const Four four = load4(&shared_a[stage][k][i * DOWN + down]);
                #pragma unroll
                for (int j = 0; j < 4; j++) a[i + j] = four.at[j];
            }
            #pragma unroll
            for (int i = 0; i < Tile::thread_columns; i += 4) {
                const Four four = load4(&shared_b[stage][k][i * ACROSS + across]);
                #pragma unroll
                for (int j = 0; j < 4; j++) b[i + j] = four.at[j];
            }
            #pragma unroll
            for (int i = 0; i < Tile::thread_rows; i++) {
                #pragma unroll
                for (int j = 0; j < Tile::thread_columns; j++) sums[i][j] += a[i] * b[j];
            }
        }
        stage ^= 1;
        if (more) {
            put(stage);
            __syncthreads();
        }
    }

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
