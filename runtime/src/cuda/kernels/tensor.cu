// The tiled product on tensor cores: operands rounded to fewer bits, sums in float32.
//
// A word of 32 bits holds one element along the depth (tf32) or two (fp16, bf16), and an instruction multiplies 16
// x 8 words of a by 8 words x 8 of b, so all three kinds are one kernel over words. Rows of shared memory are 20
// words apart: the 8 rows and 4 words that a warp reads for a fragment lie on 32 different banks.
//
// tf32 is copied as float32 and rounded when a warp reads its fragments; fp16 and bf16 are converted on their way, two
// elements to a word. For a stage of 16 words a lane of a warp of 64 x 32 reads 48 words and multiplies 32 times; it
// rounds 48 times where 16 would do on the way, and spares 16 loads and 16 stores for 16 copies (10 where weights come
// by fours). So about as many instructions are issued either way (144 and 128), but no registers hold what is under
// way, and of tiles smaller than 128 x 128 two or three stages are, not one.
//
// Fragments take 0.19 bytes a multiply-add (tf32; half of it fp16 and bf16), in warps of 16 x 16 0.5. Shared memory
// gives a multiprocessor 128 bytes a cycle, which feeds 680 multiply-adds, or 256: the tensor cores of an A100 (512)
// bound the largest tiles there, and shared memory all others, and all on an H100 (1024).
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

// What a kind keeps in a word of shared memory, and the bits of it that instructions take.
struct Tf32 {
    static constexpr int elements = 1;
    template <class Operand, class Stage, int THREADS> using Loader = Copied<Operand, Stage, THREADS>;
    static __device__ unsigned fragment(float word) { return rounded_tf32(word); }
    static __device__ void multiply(float (&sum)[4], const unsigned (&a)[4], const unsigned (&b)[2]) { multiply_tf32(sum, a, b); }
};

struct Fp16 {
    static constexpr int elements = 2;
    template <class Operand, class Stage, int THREADS> using Loader = Rounded<Fp16, Operand, Stage, THREADS>;
    static __device__ unsigned rounded(const float (&x)[2]) { return rounded_fp16(x[0], x[1]); }
    static __device__ unsigned fragment(unsigned word) { return word; }
    static __device__ void multiply(float (&sum)[4], const unsigned (&a)[4], const unsigned (&b)[2]) { multiply_fp16(sum, a, b); }
};

struct Bf16 {
    static constexpr int elements = 2;
    template <class Operand, class Stage, int THREADS> using Loader = Rounded<Bf16, Operand, Stage, THREADS>;
    static __device__ unsigned rounded(const float (&x)[2]) { return rounded_bf16(x[0], x[1]); }
    static __device__ unsigned fragment(unsigned word) { return word; }
    static __device__ void multiply(float (&sum)[4], const unsigned (&a)[4], const unsigned (&b)[2]) { multiply_bf16(sum, a, b); }
};

// A block's tile, whose warps each have WARP_ROWS x WARP_COLUMNS of it.
template <class KIND, int ROWS, int COLUMNS, int WARP_ROWS, int WARP_COLUMNS, int STAGES> struct Tensor {
    typedef KIND Kind;
    static constexpr int rows = ROWS, columns = COLUMNS, warp_rows = WARP_ROWS, warp_columns = WARP_COLUMNS, stages = STAGES;
    static constexpr int words = 16, depth = words * Kind::elements;
    static constexpr int warps_across = COLUMNS / WARP_COLUMNS;
    static constexpr int threads = 32 * (ROWS / WARP_ROWS) * warps_across;
    // Lanes read neighbouring words of a line.
    typedef Stage<ROWS, words, true> StageA;
    typedef Stage<COLUMNS, words, true> StageB;
    template <class Operand, class Stage> using Loader = typename Kind::template Loader<Operand, Stage, threads>;
};

template <class Kind, int ROWS, int COLUMNS, int WARP_ROWS, int WARP_COLUMNS, int STAGES, class Problem, class Sink>
__device__ void product_tile(
    Tensor<Kind, ROWS, COLUMNS, WARP_ROWS, WARP_COLUMNS, STAGES>, const Problem& problem, const Sink& sink, typename Problem::Index first,
    typename Problem::Index last
) {
    typedef Tensor<Kind, ROWS, COLUMNS, WARP_ROWS, WARP_COLUMNS, STAGES> Tile;
    typedef typename Problem::Index Index;
    const int warp = threadIdx.x / 32, group = threadIdx.x % 32 / 4, word = threadIdx.x % 4;
    const int down = warp / Tile::warps_across * WARP_ROWS, across = warp % Tile::warps_across * WARP_COLUMNS;
    float sums[WARP_ROWS / 16][WARP_COLUMNS / 8][4] = {};
    typedef typename Tile::template Loader<Left<Problem>, typename Tile::StageA>::Word Word;
    pipeline<Tile>(problem, first, last, [&](const Word* shared_a, const Word* shared_b) {
        #pragma unroll
        for (int w = 0; w < Tile::words; w += 8) {
            unsigned a[WARP_ROWS / 16][4], b[WARP_COLUMNS / 8][2];
            #pragma unroll
            for (int i = 0; i < WARP_ROWS / 16; i++) {
                #pragma unroll
                for (int part = 0; part < 4; part++) {
                    const int line = down + 16 * i + group + part % 2 * 8;
                    a[i][part] = Kind::fragment(shared_a[Tile::StageA::at(line, w + word + part / 2 * 4)]);
                }
            }
            #pragma unroll
            for (int j = 0; j < WARP_COLUMNS / 8; j++) {
                #pragma unroll
                for (int part = 0; part < 2; part++) {
                    b[j][part] = Kind::fragment(shared_b[Tile::StageB::at(across + 8 * j + group, w + word + part * 4)]);
                }
            }
            #pragma unroll
            for (int i = 0; i < WARP_ROWS / 16; i++) {
                #pragma unroll
                for (int j = 0; j < WARP_COLUMNS / 8; j++) Kind::multiply(sums[i][j], a[i], b[j]);
            }
        }
    });

    const Index m0 = (Index)blockIdx.y * ROWS, n0 = (Index)blockIdx.x * COLUMNS;
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
