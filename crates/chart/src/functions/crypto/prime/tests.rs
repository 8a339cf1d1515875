//! Primes and what only looks like one.

use super::*;

/// A source whose bytes are the same in each run.
fn source(seed: u8) -> impl FnMut(&mut [u8]) {
    let mut state = u64::from(seed);
    move |out| {
        for byte in out {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            *byte = state.to_be_bytes()[0];
        }
    }
}

/// The library's power, which this search does not use.
fn passes_fermat(number: &BigUint) -> bool {
    let one = BigUint::from(1_u8);
    [3_u32, 5, 65_539]
        .into_iter()
        .all(|it| BigUint::from(it).modpow(&(number - 1_u8), number) == one)
}

#[test]
fn a_pair_has_the_asked_size_and_is_found_again() {
    const BITS: usize = 256;
    let (p, q) = pair(BITS, source(1));
    assert_eq!(
        (p.clone(), q.clone()),
        pair(BITS, source(1)),
        "the same bytes, the same primes"
    );
    assert_ne!(p, pair(BITS, source(2)).0);
    assert_eq!((&p * &q).bits(), 2 * BITS);
    for prime in [&p, &q] {
        assert!(passes_fermat(prime));
        assert_eq!(prime >> (BITS - 2), BigUint::from(3_u8), "both highest bits");
        assert_ne!(prime % EXPONENT, BigUint::from(1_u8));
    }
}

/// A found prime is the first one after the random number, so that no thread's luck decides.
#[test]
fn the_first_prime_is_taken() {
    let search = Search::new((BigUint::from(0xC000_0000_u32) << 96) + 0x1234_5671_u32);
    search.look();
    let found = search.found().expect("a prime");
    let before = search
        .candidates()
        .iter()
        .map(|it| &search.start + *it)
        .take_while(|it| *it < found);
    let before: Vec<BigUint> = before.collect();
    assert!(!before.is_empty() && before.iter().all(|it| !passes_fermat(it)));
    assert!(passes_fermat(&found));
}

fn rounds(number: u64, bases: [u64; ROUNDS]) -> bool {
    pass_rounds(&number.into(), &bases.map(|it| BigUint::from(it - 2)))
}

/// 3,215,031,751 passes to the bases 2, 3, 5 and 7 though it is 151 * 751 * 28,351; to base 11 it does not.
#[test]
fn liars_are_told_by_other_bases() {
    assert!(rounds(3_215_031_751, [2, 3, 5, 7]));
    assert!(!rounds(3_215_031_751, [2, 3, 5, 11]));
    for strong in [2_047, 3_277, 4_033, 4_681, 8_321] {
        assert!(
            rounds(strong, [2; 4]),
            "{strong} is a strong pseudoprime to base 2"
        );
        assert!(!rounds(strong, [2, 3, 5, 7]), "{strong}");
    }
    for carmichael in [561, 1_105, 1_729, 2_465, 6_601, 825_265, 321_197_185] {
        assert!(!rounds(carmichael, [2, 3, 5, 7]), "{carmichael}");
    }
    // (6k + 1)(12k + 1)(18k + 1) with three primes.
    assert!(!rounds(56_052_361, [2, 3, 5, 7]));
    for prime in [13, 97, 65_537, 2_147_483_647, 18_446_744_073_709_551_557] {
        assert!(rounds(prime, [2, 3, 5, 7]), "{prime}");
    }
}
