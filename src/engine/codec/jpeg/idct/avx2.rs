//! The transform for processors with AVX2. A lane of 32 bits holds a pair of coefficients of a column, or a sum.

#![expect(unsafe_code, reason = "vectors are loaded from and stored to memory by pointers")]

use std::arch::x86_64::{
    __m256i, _mm_castsi128_pd, _mm_storeh_pd, _mm_storel_epi64, _mm256_add_epi16, _mm256_add_epi32, _mm256_and_si256,
    _mm256_castsi256_si128, _mm256_extracti128_si256, _mm256_load_si256, _mm256_madd_epi16, _mm256_mullo_epi16,
    _mm256_or_si256, _mm256_packs_epi16, _mm256_packs_epi32, _mm256_permute2x128_si256, _mm256_set1_epi8,
    _mm256_set1_epi32, _mm256_setr_epi8, _mm256_shuffle_epi8, _mm256_slli_epi32, _mm256_srai_epi32, _mm256_sub_epi16,
    _mm256_sub_epi32, _mm256_testz_si256, _mm256_unpackhi_epi16, _mm256_unpackhi_epi32, _mm256_unpackhi_epi64,
    _mm256_unpacklo_epi16, _mm256_unpacklo_epi32, _mm256_unpacklo_epi64, _mm256_xor_si256,
};

use super::Block;
use super::factors::{C0_298, C0_390, C0_541, C0_765, C0_899, C1_175, C1_501, C1_847, C1_961, C2_053, C2_562, C3_072};

/// Turns coefficients into samples: 8 rows of 8, `stride` apart.
#[target_feature(enable = "avx2")]
#[inline]
pub fn transform(coefficients: &Block, steps: &Block, samples: &mut [u8], stride: usize) {
    let (raw, steps) = (load(coefficients), load(steps));
    let pairs = [0, 1, 2, 3].map(|index| _mm256_mullo_epi16(raw[index], steps[index]));
    let below_first = _mm256_or_si256(
        _mm256_or_si256(raw[1], raw[2]),
        _mm256_or_si256(raw[3], _mm256_xor_si256(raw[0], low_halves(raw[0]))),
    );
    let rows = if _mm256_testz_si256(below_first, below_first) != 0 {
        // As on other vector units, this does not clip.
        [_mm256_srai_epi32::<16>(_mm256_slli_epi32::<18>(pairs[0])); 8]
    } else {
        pass::<11>(pairs)
    };
    let columns = pass::<18>(turned(rows));
    store(columns, samples, stride);
}

/// Writes one value to 8 rows of 8 samples.
#[target_feature(enable = "avx2")]
#[inline]
pub fn fill(value: u8, samples: &mut [u8], stride: usize) {
    assert!(has_room(samples, stride), "invariant: there is room for a block");
    let eight = [value; 8];
    for row in 0..8 {
        // SAFETY: the last of 8 rows ends within the samples, which was just checked.
        unsafe { samples.as_mut_ptr().add(row * stride).cast::<[u8; 8]>().write(eight) };
    }
}

/// Whether 8 rows of 8 samples fit.
#[inline(always)]
const fn has_room(samples: &[u8], stride: usize) -> bool {
    stride < 1 << 20 && samples.len() >= 7 * stride + 8
}

#[target_feature(enable = "avx2")]
#[inline]
fn load(block: &Block) -> [__m256i; 4] {
    let (parts, _) = block.0.as_chunks::<16>();
    // SAFETY: each part is 32 bytes, and a block begins at a multiple of 32.
    [0, 1, 2, 3].map(|index| unsafe { _mm256_load_si256(parts[index].as_ptr().cast()) })
}

/// Pairs without their second members.
#[target_feature(enable = "avx2")]
#[inline]
fn low_halves(pairs: __m256i) -> __m256i {
    _mm256_and_si256(pairs, _mm256_set1_epi32(0xFFFF))
}

/// Pairs times a pair of factors, summed.
#[target_feature(enable = "avx2")]
#[inline]
fn weighed(pairs: __m256i, first: i16, second: i16) -> __m256i {
    let factors = i32::from(first) & 0xFFFF | i32::from(second) << 16;
    _mm256_madd_epi16(pairs, _mm256_set1_epi32(factors))
}

/// One dimension of pairs (0, 4), (2, 6), (7, 1), (3, 5), scaled down with rounding.
#[target_feature(enable = "avx2")]
#[inline]
fn pass<const BITS: i32>([p04, p26, p71, p35]: [__m256i; 4]) -> [__m256i; 8] {
    #[rustfmt::skip]
    let turn = _mm256_setr_epi8(
        2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13,
    );
    let p40 = _mm256_shuffle_epi8(p04, turn);
    let half = _mm256_set1_epi32(1 << (BITS - 1));
    let sum = _mm256_add_epi32(weighed(_mm256_add_epi16(p04, p40), 1 << 13, 0), half);
    let difference = _mm256_add_epi32(weighed(_mm256_sub_epi16(p04, p40), 1 << 13, 0), half);
    let low = weighed(p26, C0_541 + C0_765, C0_541);
    let high = weighed(p26, C0_541, C0_541 - C1_847);
    let even = [
        _mm256_add_epi32(sum, low),
        _mm256_add_epi32(difference, high),
        _mm256_sub_epi32(difference, high),
        _mm256_sub_epi32(sum, low),
    ];
    let both = _mm256_add_epi16(p71, p35);
    let third = weighed(both, C1_175 - C1_961, C1_175);
    let fourth = weighed(both, C1_175, C1_175 - C0_390);
    let odd = [
        _mm256_add_epi32(weighed(p71, -C0_899, C1_501 - C0_899), fourth),
        _mm256_add_epi32(weighed(p35, C3_072 - C2_562, -C2_562), third),
        _mm256_add_epi32(weighed(p35, -C2_562, C2_053 - C2_562), fourth),
        _mm256_add_epi32(weighed(p71, C0_298 - C0_899, -C0_899), third),
    ];
    [
        _mm256_srai_epi32::<BITS>(_mm256_add_epi32(even[0], odd[0])),
        _mm256_srai_epi32::<BITS>(_mm256_add_epi32(even[1], odd[1])),
        _mm256_srai_epi32::<BITS>(_mm256_add_epi32(even[2], odd[2])),
        _mm256_srai_epi32::<BITS>(_mm256_add_epi32(even[3], odd[3])),
        _mm256_srai_epi32::<BITS>(_mm256_sub_epi32(even[3], odd[3])),
        _mm256_srai_epi32::<BITS>(_mm256_sub_epi32(even[2], odd[2])),
        _mm256_srai_epi32::<BITS>(_mm256_sub_epi32(even[1], odd[1])),
        _mm256_srai_epi32::<BITS>(_mm256_sub_epi32(even[0], odd[0])),
    ]
}

/// Rows of sums to pairs of columns: a lane for each row.
#[target_feature(enable = "avx2")]
#[inline]
fn turned(rows: [__m256i; 8]) -> [__m256i; 4] {
    let quarter = |first: usize, second: usize| {
        let near = _mm256_packs_epi32(rows[first], rows[first + 1]);
        let far = _mm256_packs_epi32(rows[second], rows[second + 1]);
        let left = _mm256_permute2x128_si256::<0x20>(near, far);
        let right = _mm256_permute2x128_si256::<0x31>(near, far);
        let (even, odd) = (_mm256_unpacklo_epi16(left, right), _mm256_unpackhi_epi16(left, right));
        (_mm256_unpacklo_epi32(even, odd), _mm256_unpackhi_epi32(even, odd))
    };
    let ((a, c), (b, d)) = (quarter(0, 4), quarter(2, 6));
    [_mm256_unpacklo_epi64(a, b), _mm256_unpackhi_epi64(a, b), _mm256_unpacklo_epi64(c, d), _mm256_unpackhi_epi64(c, d)]
}

/// Columns of sums, a lane for each row, to samples.
#[target_feature(enable = "avx2")]
#[inline]
fn store(columns: [__m256i; 8], samples: &mut [u8], stride: usize) {
    #[rustfmt::skip]
    let turn = _mm256_setr_epi8(
        0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15, 0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15,
    );
    let four = |first: usize| {
        let near = _mm256_packs_epi32(columns[first], columns[first + 1]);
        let far = _mm256_packs_epi32(columns[first + 2], columns[first + 3]);
        let bytes = _mm256_xor_si256(_mm256_packs_epi16(near, far), _mm256_set1_epi8(-128));
        _mm256_shuffle_epi8(bytes, turn)
    };
    let (left, right) = (four(0), four(4));
    let (upper, lower) = (_mm256_unpacklo_epi32(left, right), _mm256_unpackhi_epi32(left, right));
    let pairs = [
        (0, _mm256_castsi256_si128(upper)),
        (2, _mm256_castsi256_si128(lower)),
        (4, _mm256_extracti128_si256::<1>(upper)),
        (6, _mm256_extracti128_si256::<1>(lower)),
    ];
    assert!(has_room(samples, stride), "invariant: there is room for a block");
    for (row, pair) in pairs {
        // SAFETY: the last of 8 rows ends within the samples, which was just checked.
        unsafe {
            let first = samples.as_mut_ptr().add(row * stride);
            _mm_storel_epi64(first.cast(), pair);
            _mm_storeh_pd(first.add(stride).cast(), _mm_castsi128_pd(pair));
        }
    }
}
