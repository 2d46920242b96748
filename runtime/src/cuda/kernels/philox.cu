// Random numbers: Philox4x32-10, a function of a key and a counter, the same bits as on every other device.

struct Words {
    unsigned at[4];
};

__device__ inline Words philox(unsigned long long block, unsigned long long stream, unsigned key0, unsigned key1) {
    Words x = {{(unsigned)block, (unsigned)(block >> 32), (unsigned)stream, (unsigned)(stream >> 32)}};
    #pragma unroll
    for (int round = 0; round < 10; round++) {
        const unsigned long long first = (unsigned long long)x.at[0] * 0xD2511F53u;
        const unsigned long long second = (unsigned long long)x.at[2] * 0xCD9E8D57u;
        x = {{(unsigned)(second >> 32) ^ x.at[1] ^ key0, (unsigned)second, (unsigned)(first >> 32) ^ x.at[3] ^ key1, (unsigned)first}};
        key0 += 0x9E3779B9u;
        key1 += 0xBB67AE85u;
    }
    return x;
}

// Element `number` of a stream, in [0, 1), a multiple of 2^-24. The high half of the seed enters the stream's, that of
// the step the block's. Four neighbours share a block, which the compiler
// computes once.
__device__ inline float uniform(Whole number, Whole stream, Whole seed, Whole step) {
    const Whole high = ~(Whole)0xffffffffu;
    const Words words = philox(number / 4 ^ (step & high), stream ^ (seed & high), (unsigned)seed, (unsigned)step);
    const unsigned place = number % 4;
    const unsigned word = place < 2 ? (place == 0 ? words.at[0] : words.at[1]) : (place == 2 ? words.at[2] : words.at[3]);
    return (float)(word >> 8) * 5.9604644775390625e-8f;
}
