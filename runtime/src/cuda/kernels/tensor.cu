// The tiled product on tensor cores: operands rounded to fewer bits when they go to shared memory, sums in float32.
//
// A word of 32 bits holds one element along the depth (tf32) or two (fp16, bf16), and an instruction multiplies 16
// x 8 words of a by 8 words x 8 of b, so all three kinds are one kernel over words. Rows of shared memory are 20
// words apart: the 8 rows and 4 words that a warp reads for a fragment lie on 32 different banks. Memory and
// conversion bound it before the tensor cores do.
//
// Where lanes keep the elements of a fragment is PTX's: mma.m16n8k8 and m16n8k16 (PTX ISA, "Matrix fragments"), in
// words alike:
//     a[0] row lane / 4, word lane % 4;  a[1] 8 rows below;  a[2], a[3] the same 4 words further
//     b[0] word lane % 4, column lane / 4;  b[1] 4 words further
//     sum[0], sum[1] row lane / 4, columns lane % 4 * 2 and the next;  sum[2], sum[3] 8 rows below

#ifndef CNNC_EMULATED
__device__ inline unsigned rounded_tf32(float x) {
    unsigned word;
    asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(word) : "f"(x));
    return word;
}

// The first of two neighbours lies in the lower half.
__device__ inline unsigned rounded_fp16(float first, float second) {
    unsigned word;
    asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(word) : "f"(second), "f"(first));
    return word;
}

__device__ inline unsigned rounded_bf16(float first, float second) {
    unsigned word;
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(word) : "f"(second), "f"(first));
    return word;
}

#define MULTIPLY(name, instruction)                                                                               \
    __device__ inline void name(float (&sum)[4], const unsigned (&a)[4], const unsigned (&b)[2]) {                \
        asm(instruction " {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"                        \
            : "+f"(sum[0]), "+f"(sum[1]), "+f"(sum[2]), "+f"(sum[3])                                              \
            : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));                                  \
    }
MULTIPLY(multiply_tf32, "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32")
MULTIPLY(multiply_fp16, "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32")
MULTIPLY(multiply_bf16, "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32")
#undef MULTIPLY
#endif

struct Tf32 {
    static constexpr int elements = 1;
    static __device__ unsigned rounded(const float (&x)[1]) { return rounded_tf32(x[0]); }
    static __device__ void multiply(float (&sum)[4], const unsigned (&a)[4], const unsigned (&b)[2]) { multiply_tf32(sum, a, b); }
};

struct Fp16 {
    static constexpr int elements = 2;
    static __device__ unsigned rounded(const float (&x)[2]) { return rounded_fp16(x[0], x[1]); }
    static __device__ void multiply(float (&sum)[4], const unsigned (&a)[4], const unsigned (&b)[2]) { multiply_fp16(sum, a, b); }
};

struct Bf16 {
    static constexpr int elements = 2;
    static __device__ unsigned rounded(const float (&x)[2]) { return rounded_bf16(x[0], x[1]); }
    static __device__ void multiply(float (&sum)[4], const unsigned (&a)[4], const unsigned (&b)[2]) { multiply_bf16(sum, a, b); }
};

// A block's tile, whose warps each have WARP_ROWS x WARP_COLUMNS of it.
template <class KIND, int ROWS, int COLUMNS, int WARP_ROWS, int WARP_COLUMNS> struct Tensor {
    typedef KIND Kind;
    static constexpr int rows = ROWS, columns = COLUMNS, warp_rows = WARP_ROWS, warp_columns = WARP_COLUMNS;
    static constexpr int words = 16, depth = words * Kind::elements;
    static constexpr int warps_across = COLUMNS / WARP_COLUMNS;
    static constexpr int threads = 32 * (ROWS / WARP_ROWS) * warps_across;
};

template <class Kind, int ROWS, int COLUMNS, int WARP_ROWS, int WARP_COLUMNS, class Problem, class Sink>
__device__ void product_tile(
    Tensor<Kind, ROWS, COLUMNS, WARP_ROWS, WARP_COLUMNS>, const Problem& problem, const Sink& sink, typename Problem::Index first,
    typename Problem::Index last
) {
    typedef Tensor<Kind, ROWS, COLUMNS, WARP_ROWS, WARP_COLUMNS> Tile;
    typedef typename Problem::Index Index;
    typedef Cells<ROWS, Tile::words, Tile::threads, Problem::A_ALONG_DEPTH> CellsA;
    typedef Cells<COLUMNS, Tile::words, Tile::threads, Problem::B_ALONG_DEPTH> CellsB;
    alignas(16) __shared__ unsigned shared_a[2][ROWS][Tile::words + 4];
    alignas(16) __shared__ unsigned shared_b[2][COLUMNS][Tile::words + 4];
    const Index m0 = (Index)blockIdx.y * ROWS, n0 = (Index)blockIdx.x * COLUMNS;

    const Lines<Problem, CellsA, CellsB> lines(problem, m0, n0);
    unsigned brought_a[CellsA::count], brought_b[CellsB::count];
    const auto bring = [&](Index k0) {
        #pragma unroll
        for (int cell = 0; cell < CellsA::count; cell++) {
            float x[Kind::elements];
            #pragma unroll
            for (int element = 0; element < Kind::elements; element++) {
                const Index k = k0 + CellsA::depth(cell) * Kind::elements + element;
                x[element] = k < last ? problem.a(lines.row[cell], k) : 0.0f;
            }
            brought_a[cell] = Kind::rounded(x);
        }
        #pragma unroll
        for (int cell = 0; cell < CellsB::count; cell++) {
            float x[Kind::elements];
            #pragma unroll
            for (int element = 0; element < Kind::elements; element++) {
                const Index k = k0 + CellsB::depth(cell) * Kind::elements + element;
                x[element] = k < last ? problem.b(lines.column[cell], k) : 0.0f;
            }
            brought_b[cell] = Kind::rounded(x);
        }
    };
    const auto put = [&](int stage) {
        #pragma unroll
        for (int cell = 0; cell < CellsA::count; cell++) shared_a[stage][CellsA::place(cell)][CellsA::depth(cell)] = brought_a[cell];
        #pragma unroll
        for (int cell = 0; cell < CellsB::count; cell++) shared_b[stage][CellsB::place(cell)][CellsB::depth(cell)] = brought_b[cell];
    };

    const int warp = threadIdx.x / 32, group = threadIdx.x % 32 / 4, word = threadIdx.x % 4;
    const int down = warp / Tile::warps_across * WARP_ROWS, across = warp % Tile::warps_across * WARP_COLUMNS;
    float sums[WARP_ROWS / 16][WARP_COLUMNS / 8][4] = {};
    bring(first);
    put(0);
    __syncthreads();
    int stage = 0;
    for (Index k0 = first; k0 < last; k0 += Tile::depth) {
        const bool more = k0 + Tile::depth < last;
        if (more) bring(k0 + Tile::depth);
        #pragma unroll
        for (int w = 0; w < Tile::words; w += 8) {
            unsigned a[WARP_ROWS / 16][4], b[WARP_COLUMNS / 8][2];
            #pragma unroll
            for (int i = 0; i < WARP_ROWS / 16; i++) {
                #pragma unroll
                for (int part = 0; part < 4; part++) {
                    a[i][part] = shared_a[stage][down + 16 * i + group + part % 2 * 8][w + word + part / 2 * 4];
                }
            }
            #pragma unroll
            for (int j = 0; j < WARP_COLUMNS / 8; j++) {
                #pragma unroll
                for (int part = 0; part < 2; part++) b[j][part] = shared_b[stage][across + 8 * j + group][w + word + part * 4];
            }
            #pragma unroll
            for (int i = 0; i < WARP_ROWS / 16; i++) {
                #pragma unroll
                for (int j = 0; j < WARP_COLUMNS / 8; j++) Kind::multiply(sums[i][j], a[i], b[j]);
            }
        }
        stage ^= 1;
        if (more) {
            put(stage);
            __syncthreads();
        }
    }

    #pragma unroll
    for (int j = 0; j < WARP_COLUMNS / 8; j++) {
        #pragma unroll
        for (int side = 0; side < 2; side++) {
            const typename Problem::Column place = problem.column(n0 + across + 8 * j + 2 * word + side);
            if (!place.inside) continue;
            #pragma unroll
            for (int i = 0; i < WARP_ROWS / 16; i++) {
                #pragma unroll
                for (int below = 0; below < 2; below++) {
                    const Index m = m0 + down + 16 * i + 8 * below + group;
                    if (m < problem.rows) sink.store(problem.number(m, place), sums[i][j][2 * below + side]);
                }
            }
        }
    }
}
