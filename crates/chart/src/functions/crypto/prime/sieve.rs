//! Numbers that no small prime divides: nine of ten odd ones need no other test.

use rsa::BigUint;

/// Candidates are odd numbers from a random one on, so many of them: one in 355 is a prime where numbers have 1,024 bits.
const WINDOW: usize = 12 << 10;
/// Odd primes below 2^16. More of them would take longer than the tests that they save.
const SMALL: [u16; 6_541] = small_primes();

#[expect(clippy::large_stack_arrays, reason = "while it is compiled")]
const fn small_primes() -> [u16; 6_541] {
    let mut composite = [false; 1 << 16];
    let mut primes = [0; 6_541];
    let (mut number, mut count) = (3, 0);
    while number < composite.len() {
        if !composite[number] {
            let mut multiple = number * number;
            while multiple < composite.len() {
                composite[multiple] = true;
                multiple += 2 * number;
            }
            #[expect(clippy::cast_possible_truncation, reason = "below 2^16")]
            let prime = number as u16;
            primes[count] = prime;
            count += 1;
        }
        number += 2;
    }
    assert!(count == primes.len(), "the number of primes is known");
    primes
}

/// How much must be added to an odd number of 2^k words for numbers that no small prime divides, and that are no more than
/// one above a multiple of `exponent`.
pub(super) fn candidates(start: &BigUint, exponent: u32) -> Vec<u32> {
    let words = super::powers::words(start);
    let mut out = [false; WINDOW];
    let mut strike = |rest: u64, by: u64| {
        let gap = (by - rest) % by;
        let even = if gap.is_multiple_of(2) { gap } else { gap + by };
        let index = |it: u64| usize::try_from(it).unwrap_or(usize::MAX);
        for at in (index(even / 2)..WINDOW).step_by(index(by)) {
            out[at] = true;
        }
    };
    // Four of them fit into a word.
    for group in SMALL.chunks(4) {
        let group = group.iter().map(|it| u64::from(*it));
        let rest = remainder(&words, group.clone().product());
        group.for_each(|small| strike(rest % small, small));
    }
    let exponent = u64::from(exponent);
    strike((remainder(&words, exponent) + exponent - 1) % exponent, exponent);
    let numbers = (0_u32..).step_by(2).zip(out);
    numbers.filter(|it| !it.1).map(|it| it.0).collect()
}

/// The remainder by an odd number, by Montgomery's reduction: a division for each word takes four times as long.
fn remainder(words: &[u64], by: u64) -> u64 {
    let inverse = (0..6)
        .fold(1_u64, |it, _| {
            it.wrapping_mul(2_u64.wrapping_sub(by.wrapping_mul(it)))
        })
        .wrapping_neg();
    // The sum divided by 2^64; it is below 2^64 times the divisor.
    let reduced = |sum: u128| {
        let factor = low(sum).wrapping_mul(inverse);
        let (sum, over) = sum.overflowing_add(u128::from(factor) * u128::from(by));
        let high = low(sum >> 64);
        if over || high >= by {
            high.wrapping_sub(by)
        } else {
            high
        }
    };
    let rest = words
        .iter()
        .fold(0, |rest, word| reduced(u128::from(rest) + u128::from(*word)));
    let once = u64::MAX % by + 1;
    let mut power = low(u128::from(once) * u128::from(once) % u128::from(by));
    for _ in 0..words.len().ilog2() {
        power = reduced(u128::from(power) * u128::from(power));
    }
    reduced(u128::from(rest) * u128::from(power))
}

#[expect(clippy::cast_possible_truncation, reason = "the lower half")]
fn low(number: u128) -> u64 {
    number as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_primes_are_all_there() {
        let is_prime = |it: u16| {
            (3..it)
                .step_by(2)
                .take_while(|by| by * by <= it)
                .all(|by| !it.is_multiple_of(by))
        };
        let below: Vec<u16> = (3..1_000).step_by(2).filter(|it| is_prime(*it)).collect();
        assert!(SMALL.starts_with(&below));
        assert_eq!(SMALL.last(), Some(&65_521));
    }

    #[test]
    fn candidates_are_those_that_division_leaves() {
        let number = (BigUint::from(0xFFFF_FFFF_FFFF_FF01_u64) << 192) + 0xDEAD_BEEF_u32;
        let kept = candidates(&number, 65_537);
        let left = |more: u32| {
            let number = &number + more;
            let divides = |it: &u16| &number % u32::from(*it) == BigUint::from(0_u8);
            !SMALL.iter().any(divides) && &number % 65_537_u32 != BigUint::from(1_u8)
        };
        for more in (0..2_000).step_by(2) {
            assert_eq!(kept.contains(&more), left(more), "{more}");
        }
    }
}
