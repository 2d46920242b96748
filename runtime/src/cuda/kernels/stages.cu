// How the operands of a tiled product come to shared memory: in stages of some depth, several of them at once, of
// which one is multiplied while the others are under way.
//
// Operands are read by index: an operand has lines (rows of a, columns of b), a line has elements along the depth.
// Two loaders bring a stage. `Copied` puts in copies past the registers: nothing but their addresses is computed, and
// all stages but one are under way at a time, so that a block hides the memory's delay even where it is alone.
// `Rounded` brings what must be converted, through registers, one stage ahead. Both leave the same to the pipeline.

// An element by its number in the operand's memory; it may lie outside, where there are zeros.
template <class Index> struct Element {
    Index number;
    bool inside;
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

// The operands of a problem, alike.
template <class Problem> struct Left {
    typedef typename Problem::Index Index;
    typedef typename Problem::Row Line;
    static constexpr bool ALONG_DEPTH = Problem::A_ALONG_DEPTH, FOURS = Problem::A_FOURS;
    const Problem& problem;
    __device__ Line line(Index m) const { return problem.row(m); }
    __device__ Element<Index> element(const Line& line, Index k) const { return problem.a(line, k); }
    __device__ const float* memory() const { return problem.left; }
};

template <class Problem> struct Right {
    typedef typename Problem::Index Index;
    typedef typename Problem::Column Line;
    static constexpr bool ALONG_DEPTH = Problem::B_ALONG_DEPTH, FOURS = Problem::B_FOURS;
    const Problem& problem;
    __device__ Line line(Index n) const { return problem.column(n); }
    __device__ Element<Index> element(const Line& line, Index k) const { return problem.b(line, k); }
    __device__ const float* memory() const { return problem.right; }
};

// Where `LINES` lines of `DEPTH` words lie in a stage: neighbours are those along the depth, or those of other lines.
// After each run of neighbours are four words more, so that runs start on different banks and on 16 bytes.
template <int LINES, int DEPTH, bool WITH_DEPTH> struct Stage {
    static constexpr int lines = LINES, depth = DEPTH;
    static constexpr bool along_depth = WITH_DEPTH;
    static constexpr int apart = (WITH_DEPTH ? DEPTH : LINES) + 4, words = apart * (WITH_DEPTH ? LINES : DEPTH);
    static __device__ int at(int line, int depth) { return WITH_DEPTH ? line * apart + depth : depth * apart + line; }
};

// Which words of a stage a thread brings, `TOGETHER` neighbours at a time: neighbouring threads bring neighbours in
// memory.
template <class Stage, int THREADS, bool ALONG_DEPTH, int TOGETHER> struct Cells {
    static constexpr int count = Stage::lines * Stage::depth / THREADS / TOGETHER;
    static_assert(Stage::lines * Stage::depth % (THREADS * TOGETHER) == 0, "every thread brings as many");
    static __device__ int line(int cell) { return ALONG_DEPTH ? number(cell) / Stage::depth : number(cell) % Stage::lines; }
    static __device__ int depth(int cell) { return ALONG_DEPTH ? number(cell) % Stage::depth : number(cell) / Stage::lines; }
    static __device__ int place(int cell) { return Stage::at(line(cell), depth(cell)); }

  private:
    static __device__ int number(int cell) { return ((int)threadIdx.x + cell * THREADS) * TOGETHER; }
};

// Elements as they are, by copies: four at once where they are neighbours in memory and in the stage.
template <class Operand, class Stage, int THREADS> struct Copied {
    typedef float Word;
    typedef typename Operand::Index Index;
    static constexpr bool fours = Operand::FOURS && Operand::ALONG_DEPTH == Stage::along_depth && Stage::lines * Stage::depth % (4 * THREADS) == 0;
    typedef ::Cells<Stage, THREADS, Operand::ALONG_DEPTH, fours ? 4 : 1> Cells;
    const Operand operand;
    Word* const shared;
    const Index last;
    typename Operand::Line lines[Cells::count];

    __device__ Copied(const Operand& operand, Word* shared, Index first_line, Index last) : operand(operand), shared(shared), last(last) {
        #pragma unroll
        for (int cell = 0; cell < Cells::count; cell++) lines[cell] = operand.line(first_line + Cells::line(cell));
    }

    // What lies outside is not even pointed at.
    __device__ void begin(int slot, Index k0) {
        #pragma unroll
        for (int cell = 0; cell < Cells::count; cell++) {
            const Index k = k0 + Cells::depth(cell);
            const Element<Index> element = operand.element(lines[cell], k);
            const bool inside = element.inside && k < last;
            copy_later<fours ? 4 : 1>(shared + slot * Stage::words + Cells::place(cell), operand.memory() + (inside ? element.number : 0), inside);
        }
    }

    __device__ void arrive(int) {}
};

// Words of `Kind::elements` elements along the depth, rounded on their way through registers.
template <class Kind, class Operand, class Stage, int THREADS> struct Rounded {
    typedef unsigned Word;
    typedef typename Operand::Index Index;
    typedef ::Cells<Stage, THREADS, Operand::ALONG_DEPTH, 1> Cells;
    const Operand operand;
    Word* const shared;
    const Index last;
    typename Operand::Line lines[Cells::count];
    Word brought[Cells::count];

    __device__ Rounded(const Operand& operand, Word* shared, Index first_line, Index last) : operand(operand), shared(shared), last(last) {
        #pragma unroll
        for (int cell = 0; cell < Cells::count; cell++) lines[cell] = operand.line(first_line + Cells::line(cell));
    }

    __device__ void begin(int, Index k0) {
        #pragma unroll
        for (int cell = 0; cell < Cells::count; cell++) {
            float x[Kind::elements];
            #pragma unroll
            for (int i = 0; i < Kind::elements; i++) {
                const Index k = k0 + Cells::depth(cell) * Kind::elements + i;
                const Element<Index> element = operand.element(lines[cell], k);
                x[i] = element.inside && k < last ? operand.memory()[element.number] : 0.0f;
            }
            brought[cell] = Kind::rounded(x);
        }
    }

    __device__ void arrive(int slot) {
        #pragma unroll
        for (int cell = 0; cell < Cells::count; cell++) shared[slot * Stage::words + Cells::place(cell)] = brought[cell];
    }
};

// The stages of the block's tile from k = `first` up to `last`, one after another handed to `multiply(a, b)`. The
// barrier of a stage says both that it is there for all threads and that all are done with the one before, whose
// place the next to come is given.
template <class Tile, class Problem, class Multiply>
__device__ void pipeline(const Problem& problem, typename Problem::Index first, typename Problem::Index last, const Multiply& multiply) {
    typedef typename Problem::Index Index;
    typedef typename Tile::StageA StageA;
    typedef typename Tile::StageB StageB;
    typedef typename Tile::template Loader<Left<Problem>, StageA> LoaderA;
    typedef typename Tile::template Loader<Right<Problem>, StageB> LoaderB;
    constexpr int AHEAD = Tile::stages - 1;
    alignas(16) __shared__ typename LoaderA::Word shared_a[Tile::stages * StageA::words];
    alignas(16) __shared__ typename LoaderB::Word shared_b[Tile::stages * StageB::words];
    static_assert(sizeof shared_a + sizeof shared_b <= 48 * 1024, "what a block may declare");

    LoaderA a({problem}, shared_a, (Index)blockIdx.y * Tile::rows, last);
    LoaderB b({problem}, shared_b, (Index)blockIdx.x * Tile::columns, last);
    // A group a stage, even of none, so that how many are under way is known.
    const auto begin = [&](int slot, Index k0) {
        if (k0 < last) {
            a.begin(slot, k0);
            b.begin(slot, k0);
        }
        copies_end();
    };
    #pragma unroll
    for (int slot = 0; slot < AHEAD; slot++) begin(slot, first + slot * Tile::depth);
    int slot = 0;
    for (Index k0 = first; k0 < last; k0 += Tile::depth) {
        a.arrive(slot);
        b.arrive(slot);
        copies_wait<AHEAD - 1>();
        __syncthreads();
        begin(slot == 0 ? AHEAD : slot - 1, k0 + AHEAD * Tile::depth);
        multiply(shared_a + slot * StageA::words, shared_b + slot * StageB::words);
        slot = slot == AHEAD ? 0 : slot + 1;
    }
}
