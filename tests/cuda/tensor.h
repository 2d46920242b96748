// Tensor cores: what the conversions and instructions of tensor.cu do, element by element, as the tables of the PTX ISA have it. Included by
// shim.h, whose lanes meet here.

namespace emulation {

static uint32_t bits_of(float x) {
    uint32_t bits;
    std::memcpy(&bits, &x, sizeof bits);
    return bits;
}

static float float_of(uint32_t bits) { return __int_as_float((int)bits); }

// To the nearest half, ties to even.
static uint32_t half_of(float x) {
    const uint32_t sign = bits_of(x) >> 16 & 0x8000, size = bits_of(x) & 0x7fffffff;
    if (size > 0x7f800000) return sign | 0x7e00;
    if (size >= 0x477ff000) return sign | 0x7c00;
    if (size < 0x38800000) return sign | (uint32_t)std::nearbyintf(std::fabs(x) * 16777216.0f);
    return sign | ((size + 0xfff + (size >> 13 & 1) - 0x38000000) >> 13);
}

static float from_half(uint32_t half) {
    const uint32_t sign = (half & 0x8000) << 16, exponent = half >> 10 & 31, fraction = half & 0x3ff;
    if (exponent == 0) return (sign ? -1.0f : 1.0f) * fraction / 16777216.0f;
    if (exponent == 31) return float_of(sign | 0x7f800000 | fraction << 13);
    return float_of(sign | (exponent + 112) << 23 | fraction << 13);
}

static uint32_t bfloat_of(float x) { return (bits_of(x) + 0x7fff + (bits_of(x) >> 16 & 1)) >> 16; }

// The matrices that the fragments of a warp are; the first lane that needs them collects them.
template <int DEPTH> struct Matrices {
    bool collected;
    float left[16][DEPTH], right[DEPTH][8];

    template <class Element> void collect(int warp, const Element& element) {
        constexpr int SIDES = DEPTH / 8;
        for (int lane = 0; lane < 32; lane++) {
            const uint32_t* own = fragments[32 * warp + lane];
            const int group = lane / 4, place = lane % 4;
            // Elements a0, a1, … and b0, b1, … are SIDES to a register.
            for (int i = 0; i < 4 * SIDES; i++) {
                const bool below = SIDES == 1 ? i % 2 == 1 : i / 2 % 2 == 1;
                const int column = SIDES == 1 ? place + (i < 2 ? 0 : 4) : place * 2 + (i & 1) + (i < 4 ? 0 : 8);
                left[below ? group + 8 : group][column] = element(own[i / SIDES], i % SIDES);
            }
            for (int i = 0; i < 2 * SIDES; i++) {
                const int row = SIDES == 1 ? place + (i == 0 ? 0 : 4) : place * 2 + (i & 1) + (i < 2 ? 0 : 8);
                right[row][group] = element(own[4 + i / SIDES], i % SIDES);
            }
        }
        collected = true;
    }
};

// Adds the product of the matrices that the lanes of a warp hold together.
template <int DEPTH, class Element>
static void multiply(float (&sum)[4], const unsigned (&a)[4], const unsigned (&b)[2], const Element& element) {
    static Matrices<DEPTH> of_warps[MOST_THREADS / 32];
    Matrices<DEPTH>& matrices = of_warps[current / 32];
    std::memcpy(fragments[current], a, sizeof a);
    std::memcpy(fragments[current] + 4, b, sizeof b);
    matrices.collected = false;
    wait(AT_WARP);
    if (!matrices.collected) matrices.collect(current / 32, element);
    const int lane = current % 32;
    for (int i = 0; i < 4; i++) {
        const int row = i < 2 ? lane / 4 : lane / 4 + 8, column = lane % 4 * 2 + (i & 1);
        for (int k = 0; k < DEPTH; k++) sum[i] += matrices.left[row][k] * matrices.right[k][column];
    }
    wait(AT_WARP);
}

}  // namespace emulation

// To 10 bits of fraction, ties away from zero.
static inline unsigned rounded_tf32(float x) { return (emulation::bits_of(x) + 0x1000) & ~0x1fffu; }
static inline unsigned rounded_fp16(float first, float second) { return emulation::half_of(first) | emulation::half_of(second) << 16; }
static inline unsigned rounded_bf16(float first, float second) { return emulation::bfloat_of(first) | emulation::bfloat_of(second) << 16; }

static inline void multiply_tf32(float (&sum)[4], const unsigned (&a)[4], const unsigned (&b)[2]) {
    emulation::multiply<8>(sum, a, b, [](uint32_t word, int) { return emulation::float_of(word); });
}
static inline void multiply_fp16(float (&sum)[4], const unsigned (&a)[4], const unsigned (&b)[2]) {
    emulation::multiply<16>(sum, a, b, [](uint32_t word, int side) { return emulation::from_half(word >> 16 * side & 0xffff); });
}
static inline void multiply_bf16(float (&sum)[4], const unsigned (&a)[4], const unsigned (&b)[2]) {
    emulation::multiply<16>(sum, a, b, [](uint32_t word, int side) { return emulation::float_of((word >> 16 * side & 0xffff) << 16); });
}
