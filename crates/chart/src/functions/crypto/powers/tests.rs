//! Powers against those of the library, on either kind of processor.

use rsa::BigUint;

use super::four::{Plain, Work};
use super::montgomery::{Euler, Powers};
use super::*;

/// Numbers that look random and are the same in each run.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self, bits: usize) -> BigUint {
        let words = (0..=bits / 64).flat_map(|_| {
            self.0 = self
                .0
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (self.0 ^ self.0 >> 29).to_le_bytes()
        });
        let bytes: Vec<u8> = words.collect();
        (BigUint::from_bytes_le(&bytes) % (BigUint::from(1_u8) << bits)) | BigUint::from(1_u8)
    }

    fn four(&mut self, bits: usize) -> [BigUint; 4] {
        std::array::from_fn(|_| self.next(bits))
    }
}

fn full(bits: usize) -> BigUint {
    (BigUint::from(1_u8) << bits) - 1_u8
}

/// The library's powers are slow, and right.
#[test]
fn powers_are_those_of_the_library() {
    let mut numbers = Numbers(1);
    for bits in [9, 64, 250, 1_000, 1_024, 1_025, 1_500, 2_048] {
        let (bases, exponents) = (numbers.four(bits), numbers.four(bits));
        let mut moduli = numbers.four(bits);
        moduli[3] = full(bits);
        let ours = powers(&bases, &exponents, &moduli);
        for at in 0..4 {
            assert_eq!(
                ours[at],
                bases[at].modpow(&exponents[at], &moduli[at]),
                "{bits} bits, number {at}"
            );
        }
    }
}

/// All digits at their highest: no column of a product may run over.
#[test]
fn the_largest_numbers_do_not_run_over() {
    for bits in [1_024, 2_048] {
        let moduli: [BigUint; 4] = [1_u8, 3, 5, 7].map(|it| full(bits) - (it - 1));
        let less = moduli.each_ref().map(|it| it - 1_u8);
        let ours = powers(&less, &std::array::from_fn(|it| BigUint::from(it + 2)), &moduli);
        let expected = [0, 1, 0, 1].map(|odd| odd == 1);
        for at in 0..4 {
            let want = if expected[at] {
                less[at].clone()
            } else {
                BigUint::from(1_u8)
            };
            assert_eq!(ours[at], want, "{bits} bits, number {at}");
        }
    }
}

#[test]
fn with_and_without_vectors_it_is_the_same() {
    let mut numbers = Numbers(2);
    let (bases, exponents, moduli) = (numbers.four(1_024), numbers.four(200), numbers.four(1_024));
    let plain = Powers::<36, 72, 29>::new(&bases, &exponents, &moduli).with(Plain);
    assert_eq!(plain, powers(&bases, &exponents, &moduli));
    let tried = [97_u32, 561, 1_105, 65_537].map(BigUint::from);
    let plain = Euler::<36, 72, 29>::new(&tried).with(Plain);
    assert_eq!(plain, may_be_primes(&tried));
}

/// All odd numbers below a thousand, by division; and what only the test's base tells from primes.
#[test]
fn primes_pass_and_composites_do_not() {
    let is_prime = |it: u32| {
        (2..it)
            .take_while(|by| by * by <= it)
            .all(|by| !it.is_multiple_of(by))
    };
    // Below 1,000 these pass to base 2 though they are products.
    let liars = [341, 561];
    for from in (3..1_000_u32).step_by(8) {
        let numbers: [u32; 4] = std::array::from_fn(|at| from + 2 * u32::try_from(at).unwrap());
        let passed = may_be_primes(&numbers.map(BigUint::from));
        for (number, passed) in numbers.iter().zip(passed) {
            assert_eq!(passed, is_prime(*number) || liars.contains(number), "{number}");
        }
    }
}

/// 2^1279 - 1 and 2^607 - 1 are primes (Mersenne), 2^1277 - 1 and 2^1024 + 1 are not.
#[test]
fn long_primes_pass() {
    let base = |bits: usize| BigUint::from(1_u8) << bits;
    let tried = [
        base(1_279) - 1_u8,
        base(607) - 1_u8,
        base(1_024) + 3_u8,
        base(1_279) - 3_u8,
    ];
    assert_eq!(may_be_primes(&tried), [true, true, false, false]);
    let tried = [
        base(607) - 1_u8,
        base(521) - 1_u8,
        base(1_024) - 105_u8,
        base(1_024) - 107_u8,
    ];
    assert_eq!(may_be_primes(&tried), [true, true, true, false]);
}
