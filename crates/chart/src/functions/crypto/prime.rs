//! Prime numbers for RSA keys. The library's own search takes most of a second for one key; this one sieves first, and two
//! threads look at what is left.

use std::sync::atomic::{AtomicUsize, Ordering};

/// Candidates are odd numbers from a random one on; so many are looked at before another start is drawn.
const WINDOW: usize = 16 << 10;
/// Candidates that a prime below it divides are not tested.
const SMALL_MAX: usize = 32 << 10;
/// The exponent of all keys. It must not divide what is one below a prime.
pub(super) const EXPONENT: u32 = 65_537;
/// Bases of the test by Miller and Rabin. Candidates are random, so that even two of them would err once in 2^100.
const BASES: [u64; 5] = [2, 3, 5, 7, 11];

/// A random prime of `N` words whose two highest bits are set, so that the product of two has all its bits.
/// `random` fills words; what it gives decides which prime it is.
pub(super) fn prime<const N: usize>(mut random: impl FnMut(&mut [u8])) -> [u64; N] {
    loop {
        let mut start = [0; N];
        for word in &mut start {
            let mut bytes = [0; 8];
            random(&mut bytes);
            *word = u64::from_le_bytes(bytes);
        }
        start[N - 1] |= 3 << 62;
        start[0] |= 1;
        if let Some(found) = first_prime(&candidates(&start)) {
            return found;
        }
    }
}

/// The odd numbers from `start` on that no small prime divides.
fn candidates<const N: usize>(start: &[u64; N]) -> Vec<[u64; N]> {
    let mut composite = vec![false; WINDOW];
    for small in small_primes() {
        // The first index whose number, start + 2 * index, is a multiple.
        let rest = remainder(start, small);
        let gap = (small - rest) % small;
        let even = if gap.is_multiple_of(2) { gap } else { gap + small };
        let (first, step) = (even as usize / 2, small as usize);
        for index in (first..WINDOW).step_by(step) {
            composite[index] = true;
        }
    }
    let numbers = (0..WINDOW).filter(|it| !composite[*it]);
    numbers
        .filter_map(|index| plus(start, 2 * index as u64))
        .filter(|it| remainder(it, EXPONENT) != 1)
        .collect()
}

fn small_primes() -> impl Iterator<Item = u32> {
    let mut composite = vec![false; SMALL_MAX];
    (3..SMALL_MAX).step_by(2).filter_map(move |number| {
        if composite[number] {
            return None;
        }
        for multiple in (number * number..SMALL_MAX).step_by(number) {
            composite[multiple] = true;
        }
        u32::try_from(number).ok()
    })
}

fn remainder(number: &[u64], small: u32) -> u32 {
    let small = u64::from(small);
    let rest = number.iter().rev().fold(0, |rest, word| {
        let high = (rest << 32 | word >> 32) % small;
        (high << 32 | word & 0xFFFF_FFFF) % small
    });
    u32::try_from(rest).unwrap_or(0)
}

/// The sum, if it has no more words.
fn plus<const N: usize>(number: &[u64; N], more: u64) -> Option<[u64; N]> {
    let mut sum = *number;
    let mut carry = more;
    for word in &mut sum {
        let (value, over) = word.overflowing_add(carry);
        *word = value;
        carry = u64::from(over);
    }
    (carry == 0).then_some(sum)
}

/// The first that is a prime; two threads take them in turn.
fn first_prime<const N: usize>(candidates: &[[u64; N]]) -> Option<[u64; N]> {
    let (next, found) = (AtomicUsize::new(0), AtomicUsize::new(candidates.len()));
    let work = || loop {
        let index = next.fetch_add(1, Ordering::Relaxed);
        if index >= found.load(Ordering::Relaxed) {
            return;
        }
        if is_prime(&candidates[index]) {
            found.fetch_min(index, Ordering::Relaxed);
        }
    };
    std::thread::scope(|scope| {
        // Without a second thread, this one looks at all.
        let _ = std::thread::Builder::new().spawn_scoped(scope, work);
        work();
    });
    candidates.get(found.into_inner()).copied()
}

/// The test by Miller and Rabin, for an odd number with its highest bit set.
fn is_prime<const N: usize>(number: &[u64; N]) -> bool {
    let field = Field::new(number);
    let mut less_one = *number;
    less_one[0] -= 1;
    let zeros = less_one.iter().position(|it| *it != 0).unwrap_or(0);
    let twos = zeros * 64 + less_one[zeros].trailing_zeros() as usize;
    let minus_one = field.minus(&[0; N], &field.one);
    BASES.iter().all(|base| {
        let mut power = field.power(*base, &less_one, twos);
        if power == field.one || power == minus_one {
            return true;
        }
        (1..twos).any(|_| {
            power = field.square(&power);
            power == minus_one
        })
    })
}

/// Arithmetic modulo an odd number, in Montgomery's form.
struct Field<const N: usize> {
    modulus: [u64; N],
    /// The inverse of the modulus' lowest word, negated.
    inverse: u64,
    one: [u64; N],
}

impl<const N: usize> Field<N> {
    fn new(modulus: &[u64; N]) -> Self {
        // Each round doubles the number of bits that are right.
        let low = modulus[0];
        let inverse = (0..6).fold(1_u64, |it, _| {
            it.wrapping_mul(2_u64.wrapping_sub(low.wrapping_mul(it)))
        });
        let mut field = Self {
            modulus: *modulus,
            inverse: inverse.wrapping_neg(),
            one: [0; N],
        };
        // The highest bit is set, so that 2^(64 N) less the modulus is the remainder.
        field.one = subtract(&[0; N], modulus).0;
        field
    }

    /// `base` to the power of `exponent` shifted to the right.
    fn power(&self, base: u64, exponent: &[u64; N], shift: usize) -> [u64; N] {
        let mut power = self.one;
        for bit in (shift..64 * N).rev() {
            power = self.square(&power);
            if exponent[bit / 64] >> (bit % 64) & 1 == 1 {
                power = self.multiple(&power, base);
            }
        }
        power
    }

    /// A small multiple, by doubling and adding.
    fn multiple(&self, number: &[u64; N], factor: u64) -> [u64; N] {
        let mut sum = *number;
        for bit in (0..factor.ilog2()).rev() {
            sum = self.plus(&sum, &sum);
            if factor >> bit & 1 == 1 {
                sum = self.plus(&sum, number);
            }
        }
        sum
    }

    fn plus(&self, a: &[u64; N], b: &[u64; N]) -> [u64; N] {
        let mut sum = [0; N];
        let mut carry = false;
        for at in 0..N {
            let (value, first) = a[at].overflowing_add(b[at]);
            let (value, second) = value.overflowing_add(u64::from(carry));
            sum[at] = value;
            carry = first || second;
        }
        let (less, borrow) = subtract(&sum, &self.modulus);
        if carry || !borrow { less } else { sum }
    }

    fn minus(&self, a: &[u64; N], b: &[u64; N]) -> [u64; N] {
        let (less, borrow) = subtract(a, b);
        if borrow {
            // One wrap more brings it back above zero.
            let (back, _) = subtract(&less, &subtract(&[0; N], &self.modulus).0);
            return back;
        }
        less
    }

    /// Montgomery's square. Loops of a known length are worth more than products that are formed once instead of twice.
    #[inline]
    fn square(&self, number: &[u64; N]) -> [u64; N] {
        let mut sum = [0; N];
        let mut top = 0;
        for word in number {
            let mut carry = 0;
            for at in 0..N {
                (sum[at], carry) = multiply_add(number[at], *word, sum[at], carry);
            }
            let (high, over) = carry.overflowing_add(top);
            let factor = sum[0].wrapping_mul(self.inverse);
            let (_, mut carry) = multiply_add(factor, self.modulus[0], sum[0], 0);
            for at in 1..N {
                (sum[at - 1], carry) = multiply_add(factor, self.modulus[at], sum[at], carry);
            }
            let (last, more) = high.overflowing_add(carry);
            sum[N - 1] = last;
            top = u64::from(over) + u64::from(more);
        }
        let (less, borrow) = subtract(&sum, &self.modulus);
        if top > 0 || !borrow { less } else { sum }
    }
}

/// `a * b + c + d` as its low and its high word.
#[inline]
fn multiply_add(a: u64, b: u64, c: u64, d: u64) -> (u64, u64) {
    let all = u128::from(a) * u128::from(b) + u128::from(c) + u128::from(d);
    #[expect(clippy::cast_possible_truncation, reason = "the two halves")]
    (all as u64, (all >> 64) as u64)
}

fn subtract<const N: usize>(a: &[u64; N], b: &[u64; N]) -> ([u64; N], bool) {
    let mut difference = [0; N];
    let mut borrow = false;
    for at in 0..N {
        let (value, first) = a[at].overflowing_sub(b[at]);
        let (value, second) = value.overflowing_sub(u64::from(borrow));
        difference[at] = value;
        borrow = first || second;
    }
    (difference, borrow)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2^128 - 159 and 2^128 - 173 are primes, no number between or above them is.
    #[test]
    fn primes_are_told_from_others() {
        for less in (1..200_u64).step_by(2) {
            let number = [0_u64.wrapping_sub(less), u64::MAX];
            assert_eq!(is_prime(&number), matches!(less, 159 | 173), "2^128 - {less}");
        }
        let product = u128::from(u64::MAX - 58) * u128::from(u64::MAX - 82);
        #[expect(clippy::cast_possible_truncation, reason = "the two halves")]
        let number = [product as u64, (product >> 64) as u64];
        assert!(!is_prime(&number), "a product of two primes");
    }

    #[test]
    fn a_prime_has_the_asked_size_and_is_found_again() {
        let find = |seed: u8| {
            let mut state = seed;
            prime::<4>(|out| {
                for byte in out {
                    state = state.wrapping_mul(29).wrapping_add(41);
                    *byte = state;
                }
            })
        };
        let first = find(1);
        assert_eq!(first, find(1));
        assert_ne!(first, find(2));
        assert_eq!(first[3] >> 62, 3);
        assert!(is_prime(&first));
        assert_ne!(remainder(&first, EXPONENT), 1);
    }
}
