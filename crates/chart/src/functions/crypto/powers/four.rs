//! Four 64-bit words that are calculated with at once: as AVX2 does it where the processor has it, else word by word.

#![expect(
    clippy::inline_always,
    reason = "what is not inlined is compiled without the processor's vectors"
)]

/// What can be done with four words.
pub(super) trait Four: Copy {
    type Words: Copy;
    fn of(self, words: [u64; 4]) -> Self::Words;
    fn words(self, of: Self::Words) -> [u64; 4];
    /// Products of the lower halves.
    fn times(self, a: Self::Words, b: Self::Words) -> Self::Words;
    fn plus(self, a: Self::Words, b: Self::Words) -> Self::Words;
    fn and(self, a: Self::Words, b: Self::Words) -> Self::Words;
    fn right<const BITS: i32>(self, a: Self::Words) -> Self::Words;
    fn left(self, a: Self::Words, bits: Self::Words) -> Self::Words;
}

/// Work that is the same on every processor.
pub(super) trait Work {
    type Outcome;
    fn with<F: Four>(self, four: F) -> Self::Outcome;
}

/// Does it as this processor does it best.
pub(super) fn run<W: Work>(work: W) -> W::Outcome {
    #[cfg(target_arch = "x86_64")]
    if let Some(simd) = pulp::x86::V3::try_new() {
        return simd.vectorize(avx2::Vectors(simd, work));
    }
    work.with(Plain)
}

#[derive(Clone, Copy)]
pub(super) struct Plain;

impl Plain {
    #[inline(always)]
    fn each(a: [u64; 4], b: [u64; 4], of: impl Fn(u64, u64) -> u64) -> [u64; 4] {
        [of(a[0], b[0]), of(a[1], b[1]), of(a[2], b[2]), of(a[3], b[3])]
    }
}

impl Four for Plain {
    type Words = [u64; 4];

    #[inline(always)]
    fn of(self, words: [u64; 4]) -> [u64; 4] {
        words
    }

    #[inline(always)]
    fn words(self, of: [u64; 4]) -> [u64; 4] {
        of
    }

    #[inline(always)]
    fn times(self, a: [u64; 4], b: [u64; 4]) -> [u64; 4] {
        Self::each(a, b, |a, b| (a & 0xFFFF_FFFF) * (b & 0xFFFF_FFFF))
    }

    #[inline(always)]
    fn plus(self, a: [u64; 4], b: [u64; 4]) -> [u64; 4] {
        Self::each(a, b, u64::wrapping_add)
    }

    #[inline(always)]
    fn and(self, a: [u64; 4], b: [u64; 4]) -> [u64; 4] {
        Self::each(a, b, |a, b| a & b)
    }

    #[inline(always)]
    fn right<const BITS: i32>(self, a: [u64; 4]) -> [u64; 4] {
        Self::each(a, a, |a, _| a >> BITS)
    }

    #[inline(always)]
    fn left(self, a: [u64; 4], bits: [u64; 4]) -> [u64; 4] {
        Self::each(a, bits, |a, bits| a << bits)
    }
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use std::arch::x86_64::__m256i;

    use pulp::NullaryFnOnce;
    use pulp::x86::V3;

    use super::{Four, Work};

    pub(super) struct Vectors<W>(pub(super) V3, pub(super) W);

    impl<W: Work> NullaryFnOnce for Vectors<W> {
        type Output = W::Outcome;

        #[inline(always)]
        fn call(self) -> W::Outcome {
            self.1.with(self.0)
        }
    }

    impl Four for V3 {
        type Words = __m256i;

        #[inline(always)]
        fn of(self, words: [u64; 4]) -> __m256i {
            pulp::cast(words)
        }

        #[inline(always)]
        fn words(self, of: __m256i) -> [u64; 4] {
            pulp::cast(of)
        }

        #[inline(always)]
        fn times(self, a: __m256i, b: __m256i) -> __m256i {
            self.avx2._mm256_mul_epu32(a, b)
        }

        #[inline(always)]
        fn plus(self, a: __m256i, b: __m256i) -> __m256i {
            self.avx2._mm256_add_epi64(a, b)
        }

        #[inline(always)]
        fn and(self, a: __m256i, b: __m256i) -> __m256i {
            self.avx2._mm256_and_si256(a, b)
        }

        #[inline(always)]
        fn right<const BITS: i32>(self, a: __m256i) -> __m256i {
            self.avx2._mm256_srli_epi64::<BITS>(a)
        }

        #[inline(always)]
        fn left(self, a: __m256i, bits: __m256i) -> __m256i {
            self.avx2._mm256_sllv_epi64(a, bits)
        }
    }
}
