//! The generator of all random numbers: a function of a key and a counter, without a state.
//!
//! Philox4x32-10 (Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", 2011). Parameters are drawn with it,
//! and a dropout's mask; every back end gives the same bits, in whatever order it computes.

const MULTIPLIERS: [u32; 2] = [0xD251_1F53, 0xCD9E_8D57];
const WEYL: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];

/// Four random words of a counter and a key.
#[inline]
pub fn philox(counter: [u32; 4], key: [u32; 2]) -> [u32; 4] {
    let mut x = counter;
    let mut k = key;
    for _ in 0..10 {
        let products = [u64::from(x[0]) * u64::from(MULTIPLIERS[0]), u64::from(x[2]) * u64::from(MULTIPLIERS[1])];
        let high = products.map(|product| (product >> 32) as u32);
        x = [high[1] ^ x[1] ^ k[0], products[1] as u32, high[0] ^ x[3] ^ k[1], products[0] as u32];
        k = [k[0].wrapping_add(WEYL[0]), k[1].wrapping_add(WEYL[1])];
    }
    x
}

/// Block `block` of a stream: the words of elements `4·block` to `4·block + 3`.
#[inline]
pub fn block(block: u64, stream: u64, key: [u32; 2]) -> [u32; 4] {
    philox([block as u32, (block >> 32) as u32, stream as u32, (stream >> 32) as u32], key)
}

/// A word as a number in `[0, 1)`, a multiple of 2⁻²⁴, which float32 holds exactly.
#[inline]
pub fn unit(word: u32) -> f64 {
    f64::from(word >> 8) / f64::from(1u32 << 24)
}

/// As [`block`], of a key of two numbers of 64 bits, a seed and a step. Philox's key has their low halves. The high half of the
/// seed enters the stream's, that of the step the block's, which no tensor that fits into a memory reaches: no two steps draw
/// alike.
#[inline]
pub fn wide_block(number: u64, stream: u64, [seed, step]: [u64; 2]) -> [u32; 4] {
    const HIGH: u64 = !0 << 32;
    block(number ^ (step & HIGH), stream ^ (seed & HIGH), [seed as u32, step as u32])
}

/// The number of element `number` of a stream, drawn with a seed and a step.
pub fn uniform(number: u64, stream: u64, key: [u64; 2]) -> f64 {
    let words = wide_block(number / 4, stream, key);
    unit(words.get((number % 4) as usize).copied().unwrap_or(0))
}

/// The 64-bit FNV-1a hash of a name in UTF-8.
pub fn fnv1a(name: &str) -> u64 {
    fnv1a_of(name.as_bytes())
}

/// As [`fnv1a`], of bytes.
pub fn fnv1a_of(bytes: &[u8]) -> u64 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01B3);
    bytes.iter().fold(0xCBF2_9CE4_8422_2325, step)
}

#[cfg(test)]
mod tests {
    use super::{block, fnv1a, philox, uniform, unit, wide_block};

    #[test]
    fn philox_gives_the_published_words() {
        let ones = u32::MAX;
        let pi = [0x243F_6A88, 0x85A3_08D3, 0x1319_8A2E, 0x0370_7344];
        for (counter, key, words) in [
            ([0; 4], [0; 2], [0x6627_E8D5, 0xE169_C58D, 0xBC57_AC4C, 0x9B00_DBD8]),
            ([ones; 4], [ones; 2], [0x408F_276D, 0x41C8_3B0E, 0xA20B_C7C6, 0x6D54_51FD]),
            (pi, [0xA409_3822, 0x299F_31D0], [0xD16C_FE09, 0x94FD_CCEB, 0x5001_E420, 0x2412_6EA1]),
        ] {
            assert_eq!(philox(counter, key), words);
        }
    }

    #[test]
    fn names_hash_as_in_the_fixtures() {
        assert_eq!(fnv1a("0.weight"), 0x7DA8_902A_CCDF_89EF);
    }

    #[test]
    fn an_element_has_its_word_of_its_block() {
        let words = block(5, 77, [1, 2]);
        for (word, number) in words.into_iter().zip(20..) {
            assert_eq!(uniform(number, 77, [1, 2]), unit(word));
        }
        assert_eq!([unit(0), unit(u32::MAX)], [0.0, 1.0 - 0.5f64.powi(24)]);
    }

    #[test]
    fn keys_count_in_64_bits() {
        assert_eq!(wide_block(5, 77, [1, 2]), block(5, 77, [1, 2]));
        let large = [(1 << 24) + 1, (1 << 32) + 2, (1 << 53) + 1, (1 << 53) + 2, u64::MAX];
        let mut drawn: Vec<[u32; 4]> = Vec::new();
        for number in [[1, 2], [2, 1]].into_iter().chain(large.into_iter().flat_map(|large| [[large, 2], [1, large]])) {
            let words = wide_block(5, 77, number);
            assert!(!drawn.contains(&words), "{number:?}");
            drawn.push(words);
        }
    }
}
