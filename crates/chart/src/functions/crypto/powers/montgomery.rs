//! Montgomery's multiplication of numbers of `D` digits with `BITS` bits each, four of them side by side.
//!
//! R is 2^(D * BITS). It is at least 2^20 times the modulus N, so that factors below 2^9 N give a product below 2 N and
//! nothing has to be subtracted. A column of a product sums up to 2 * D products of two digits; where this could need more
//! than 64 bits, carries are taken out half-way.

#![expect(
    clippy::inline_always,
    reason = "what is not inlined is compiled without the processor's vectors"
)]
#![expect(
    clippy::many_single_char_names,
    reason = "digits and factors, as formulas have them"
)]

use rsa::BigUint;

use super::four::{Four, Work};
use super::{Words, bits, words};

/// Rows are taken in groups of so many digits.
const ROWS: usize = 4;
/// Bits of an exponent that are looked at in one go.
const WINDOW: usize = 4;

/// Four odd moduli.
struct Moduli<const D: usize, const BITS: i32> {
    numbers: [BigUint; 4],
    digits: [[u64; 4]; D],
    /// What -1 / N is modulo 2^BITS.
    inverses: [u64; 4],
}

impl<const D: usize, const BITS: i32> Moduli<D, BITS> {
    const MASK: u64 = (1 << BITS) - 1;

    fn new(numbers: &[BigUint; 4]) -> Self {
        let digits = Self::digits(numbers);
        // Each round doubles the number of bits that are right.
        let inverse = |low: u64| {
            (0..6).fold(1_u64, |it, _| {
                it.wrapping_mul(2_u64.wrapping_sub(low.wrapping_mul(it)))
            })
        };
        Self {
            numbers: numbers.clone(),
            digits,
            inverses: digits[0].map(|it| inverse(it).wrapping_neg() & Self::MASK),
        }
    }

    fn digits(numbers: &[BigUint; 4]) -> [[u64; 4]; D] {
        let words = numbers.each_ref().map(words);
        let size = BITS.unsigned_abs() as usize;
        std::array::from_fn(|digit| words.each_ref().map(|it| bits(it, digit * size, size)))
    }

    /// 2 to the power of so many digits' bits.
    fn shifted(&self, digits: usize) -> [BigUint; 4] {
        let one = BigUint::from(1_u8) << (digits * BITS.unsigned_abs() as usize);
        self.numbers.each_ref().map(|it| &one % it)
    }

    /// The remainders that digits stand for.
    fn remainders(&self, digits: &[[u64; 4]; D]) -> [BigUint; 4] {
        std::array::from_fn(|lane| {
            let number = digits.iter().rev().fold(BigUint::from(0_u8), |number, digit| {
                (number << BITS.unsigned_abs() as usize) + digit[lane]
            });
            number % &self.numbers[lane]
        })
    }
}

/// The test by Euler, to base 2: doubling is all that its multiplications come to.
pub(super) struct Euler<const D: usize, const T: usize, const BITS: i32> {
    moduli: Moduli<D, BITS>,
    exponents: [Words; 4],
    ones: [BigUint; 4],
}

impl<const D: usize, const T: usize, const BITS: i32> Euler<D, T, BITS> {
    pub(super) fn new(numbers: &[BigUint; 4]) -> Self {
        let moduli = Moduli::new(numbers);
        Self {
            ones: moduli.shifted(D),
            exponents: numbers.each_ref().map(|it| words(&(it >> 1))),
            moduli,
        }
    }
}

impl<const D: usize, const T: usize, const BITS: i32> Work for Euler<D, T, BITS> {
    type Outcome = [bool; 4];

    #[inline(always)]
    fn with<F: Four>(self, four: F) -> [bool; 4] {
        let field = Field::<F, D, T, BITS>::new(four, &self.moduli);
        let mut power = field.digits(&Moduli::<D, BITS>::digits(&self.ones));
        for window in windows(&self.exponents) {
            for step in 1..=WINDOW {
                power = field.square(&power);
                if step == WINDOW {
                    field.double(&mut power, &window);
                }
            }
        }
        let powers = self.moduli.remainders(&field.words(&power));
        std::array::from_fn(|lane| {
            let (power, one) = (&powers[lane], &self.ones[lane]);
            power == one || power + one == self.moduli.numbers[lane]
        })
    }
}

/// Powers of any bases.
pub(super) struct Powers<const D: usize, const T: usize, const BITS: i32> {
    moduli: Moduli<D, BITS>,
    bases: [[u64; 4]; D],
    exponents: [Words; 4],
}

impl<const D: usize, const T: usize, const BITS: i32> Powers<D, T, BITS> {
    pub(super) fn new(bases: &[BigUint; 4], exponents: &[BigUint; 4], moduli: &[BigUint; 4]) -> Self {
        let bases: [BigUint; 4] = std::array::from_fn(|lane| &bases[lane] % &moduli[lane]);
        Self {
            moduli: Moduli::new(moduli),
            bases: Moduli::<D, BITS>::digits(&bases),
            exponents: exponents.each_ref().map(words),
        }
    }
}

impl<const D: usize, const T: usize, const BITS: i32> Work for Powers<D, T, BITS> {
    type Outcome = [BigUint; 4];

    #[inline(always)]
    fn with<F: Four>(self, four: F) -> [BigUint; 4] {
        let field = Field::<F, D, T, BITS>::new(four, &self.moduli);
        let into = field.digits(&Moduli::<D, BITS>::digits(&self.moduli.shifted(2 * D)));
        let mut one = [[0; 4]; D];
        one[0] = [1; 4];
        let one = field.digits(&one);
        let base = field.digits(&self.bases);
        let mut table = [one; 1 << WINDOW];
        for at in 0..table.len() {
            table[at] = match at {
                0 => field.product(&one, &into),
                1 => field.product(&base, &into),
                _ => field.product(&table[at - 1], &table[1]),
            };
        }
        let mut power = table[0];
        for window in windows(&self.exponents) {
            for step in 0..=WINDOW {
                let factor = if step == WINDOW {
                    field.chosen(&table, &window)
                } else {
                    power
                };
                power = field.product(&power, &factor);
            }
        }
        self.moduli.remainders(&field.words(&field.product(&power, &one)))
    }
}

/// The exponents' bits, the highest first.
fn windows(exponents: &[Words; 4]) -> impl Iterator<Item = [u64; 4]> {
    let words = exponents.iter().map(Vec::len).max().unwrap_or(0);
    let windows = (0..words * 64 / WINDOW).rev();
    windows.map(|at| exponents.each_ref().map(|it| bits(it, at * WINDOW, WINDOW)))
}

struct Field<F: Four, const D: usize, const T: usize, const BITS: i32> {
    four: F,
    modulus: [F::Words; D],
    inverse: F::Words,
    mask: F::Words,
    zero: F::Words,
}

impl<F: Four, const D: usize, const T: usize, const BITS: i32> Field<F, D, T, BITS> {
    #[inline(always)]
    fn new(four: F, moduli: &Moduli<D, BITS>) -> Self {
        let zero = four.of([0; 4]);
        let mut field = Self {
            four,
            modulus: [zero; D],
            inverse: four.of(moduli.inverses),
            mask: four.of([Moduli::<D, BITS>::MASK; 4]),
            zero,
        };
        field.modulus = field.digits(&moduli.digits);
        field
    }

    #[inline(always)]
    fn digits(&self, digits: &[[u64; 4]; D]) -> [F::Words; D] {
        let mut all = [self.zero; D];
        for at in 0..D {
            all[at] = self.four.of(digits[at]);
        }
        all
    }

    #[inline(always)]
    fn words(&self, digits: &[F::Words; D]) -> [[u64; 4]; D] {
        let mut all = [[0; 4]; D];
        for at in 0..D {
            all[at] = self.four.words(digits[at]);
        }
        all
    }

    /// `sum + a * b`
    #[inline(always)]
    fn add(&self, sum: F::Words, a: F::Words, b: F::Words) -> F::Words {
        self.four.plus(sum, self.four.times(a, b))
    }

    #[inline(always)]
    fn carry(&self, sum: F::Words) -> F::Words {
        self.four.right::<BITS>(sum)
    }

    /// Four columns of four rows: `b` are the digits from the first column's on, `before` the three before them.
    #[inline(always)]
    fn columns(
        &self,
        sums: &mut [F::Words; 4],
        rows: [F::Words; 4],
        b: &[F::Words; 4],
        before: [F::Words; 3],
    ) {
        let [x, y, z] = before;
        let [f, g, h, i] = rows;
        sums[0] = self.add(self.add(self.add(self.add(sums[0], f, b[0]), g, z), h, y), i, x);
        sums[1] = self.add(
            self.add(self.add(self.add(sums[1], f, b[1]), g, b[0]), h, z),
            i,
            y,
        );
        sums[2] = self.add(
            self.add(self.add(self.add(sums[2], f, b[2]), g, b[1]), h, b[0]),
            i,
            z,
        );
        sums[3] = self.add(
            self.add(self.add(self.add(sums[3], f, b[3]), g, b[2]), h, b[1]),
            i,
            b[0],
        );
    }

    /// All columns of four rows; there are three more of them than digits.
    #[inline(always)]
    fn rows(&self, sums: &mut [F::Words], rows: [F::Words; 4], b: &[F::Words], mut before: [F::Words; 3]) {
        let (full, last) = sums.as_chunks_mut::<ROWS>();
        for (sums, b) in full.iter_mut().zip(b.as_chunks::<ROWS>().0) {
            self.columns(sums, rows, b, before);
            before = [b[1], b[2], b[3]];
        }
        let ([x, y, z], [_, g, h, i]) = (before, rows);
        last[0] = self.add(self.add(self.add(last[0], g, z), h, y), i, x);
        last[1] = self.add(self.add(last[1], h, z), i, y);
        last[2] = self.add(last[2], i, z);
    }

    #[inline(always)]
    fn product(&self, a: &[F::Words; D], b: &[F::Words; D]) -> [F::Words; D] {
        let mut sums = [self.zero; T];
        let mut at = 0;
        while at < D {
            let rows = [a[at], a[at + 1], a[at + 2], a[at + 3]];
            self.rows(&mut sums[at..at + D + 3], rows, b, [self.zero; 3]);
            at += ROWS;
        }
        self.reduced(&mut sums)
    }

    /// Products of two different digits are formed once and count twice.
    #[inline(always)]
    fn square(&self, a: &[F::Words; D]) -> [F::Words; D] {
        let mut sums = [self.zero; T];
        let mut at = 0;
        while at < D {
            let [p, q, r, s] = [a[at], a[at + 1], a[at + 2], a[at + 3]];
            let [pp, qq, rr, ss] = [
                self.four.plus(p, p),
                self.four.plus(q, q),
                self.four.plus(r, r),
                self.four.plus(s, s),
            ];
            let sums = &mut sums[2 * at..at + D + 3];
            sums[0] = self.add(sums[0], p, p);
            sums[1] = self.add(sums[1], pp, q);
            sums[2] = self.add(self.add(sums[2], pp, r), q, q);
            sums[3] = self.add(self.add(sums[3], pp, s), qq, r);
            sums[4] = self.add(self.add(sums[4], qq, s), r, r);
            sums[5] = self.add(sums[5], rr, s);
            sums[6] = self.add(sums[6], s, s);
            if at + ROWS < D {
                let b = &a[at + ROWS..];
                sums[4] = self.add(sums[4], pp, b[0]);
                sums[5] = self.add(self.add(sums[5], pp, b[1]), qq, b[0]);
                sums[6] = self.add(self.add(self.add(sums[6], pp, b[2]), qq, b[1]), rr, b[0]);
                sums[7] = self.add(
                    self.add(self.add(self.add(sums[7], pp, b[3]), qq, b[2]), rr, b[1]),
                    ss,
                    b[0],
                );
                self.rows(&mut sums[8..], [pp, qq, rr, ss], &b[ROWS..], [b[1], b[2], b[3]]);
            }
            at += ROWS;
        }
        self.reduced(&mut sums)
    }

    /// The sums divided by R, modulo N.
    #[inline(always)]
    fn reduced(&self, sums: &mut [F::Words; T]) -> [F::Words; D] {
        // In the middle there are too many products in a column to add as many again.
        let mut at = D - 8;
        while at < D + 8 {
            let carry = self.carry(sums[at]);
            sums[at] = self.four.and(sums[at], self.mask);
            sums[at + 1] = self.four.plus(sums[at + 1], carry);
            at += 1;
        }
        let n = &self.modulus;
        self.factors(sums);
        let mut at = ROWS;
        while at <= D {
            let (done, sums) = sums[..at + D - 1].split_at_mut(at);
            let rows = [done[at - 4], done[at - 3], done[at - 2], done[at - 1]];
            if let (Some(first), Some(b)) = (sums.first_chunk_mut(), n[ROWS..].first_chunk()) {
                self.columns(first, rows, b, [n[1], n[2], n[3]]);
            }
            if at < D {
                // Now rather than after the other columns, because each factor has to wait for the one before.
                self.factors(sums);
            }
            self.rows(&mut sums[ROWS..], rows, &n[2 * ROWS..], [n[5], n[6], n[7]]);
            at += ROWS;
        }
        let mut carry = self.zero;
        let mut digits = [self.zero; D];
        for at in 0..D {
            let sum = self.four.plus(sums[D + at], carry);
            digits[at] = self.four.and(sum, self.mask);
            carry = self.carry(sum);
        }
        digits
    }

    /// Four columns become zeros by adding multiples of N. Their places take the factors.
    #[inline(always)]
    fn factors(&self, sums: &mut [F::Words]) {
        let (n, sums) = (&self.modulus, &mut sums[..=ROWS]);
        let factor = |sum| self.four.and(self.four.times(sum, self.inverse), self.mask);
        let carry = |sum, factor| self.carry(self.add(sum, factor, n[0]));
        let f = factor(sums[0]);
        let sum = self.four.plus(self.add(sums[1], f, n[1]), carry(sums[0], f));
        let g = factor(sum);
        let sum = self
            .four
            .plus(self.add(self.add(sums[2], f, n[2]), g, n[1]), carry(sum, g));
        let h = factor(sum);
        let more = self.add(self.add(self.add(sums[3], f, n[3]), g, n[2]), h, n[1]);
        let sum = self.four.plus(more, carry(sum, h));
        let i = factor(sum);
        sums[4] = self.four.plus(sums[4], carry(sum, i));
        sums[..ROWS].copy_from_slice(&[f, g, h, i]);
    }

    /// Doubles each number so many times.
    #[inline(always)]
    fn double(&self, digits: &mut [F::Words; D], times: &[u64; 4]) {
        let times = self.four.of(*times);
        let mut over = self.zero;
        for digit in digits {
            let sum = self.four.plus(self.four.left(*digit, times), over);
            *digit = self.four.and(sum, self.mask);
            over = self.carry(sum);
        }
    }

    /// One entry of the table for each number.
    #[inline(always)]
    fn chosen(&self, table: &[[F::Words; D]; 1 << WINDOW], which: &[u64; 4]) -> [F::Words; D] {
        let which = which.map(|it| usize::try_from(it).unwrap_or(0));
        let mut digits = [self.zero; D];
        for at in 0..D {
            let mut words = [0; 4];
            for lane in 0..4 {
                words[lane] = self.four.words(table[which[lane]][at])[lane];
            }
            digits[at] = self.four.of(words);
        }
        digits
    }
}
