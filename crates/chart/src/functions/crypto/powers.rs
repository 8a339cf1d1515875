//! Powers modulo four odd numbers at once, by Montgomery's multiplication. Helm spends most of a chart with certificates
//! on them, in assembler; no library that is safe to use comes near it, so this calculates four of them in the four words
//! of a vector. Numbers are digits of fewer than 32 bits, so that a column of products can be summed without a carry.

mod four;
mod montgomery;

use rsa::BigUint;

use montgomery::{Euler, Powers};

/// Bits of the longest number that can be the modulus.
pub(super) const BITS_MAX: usize = 2_048;
/// Bits of a prime of the usual keys; these have digits that suit them best.
const BITS_USUAL: usize = 1_024;

/// Numbers as 64-bit words, the lowest first.
type Words = Vec<u64>;

/// Which of four odd numbers may be primes: 2 to the power of (n - 1) / 2 is 1 or -1 modulo n. Hardly any composite passes.
pub(super) fn may_be_primes(numbers: &[BigUint; 4]) -> [bool; 4] {
    if numbers.iter().all(|it| it.bits() <= BITS_USUAL) {
        return four::run(Euler::<36, 72, 29>::new(numbers));
    }
    four::run(Euler::<76, 152, 28>::new(numbers))
}

/// Powers of bases, each modulo an odd number of at most [`BITS_MAX`] bits.
pub(super) fn powers(bases: &[BigUint; 4], exponents: &[BigUint; 4], moduli: &[BigUint; 4]) -> [BigUint; 4] {
    if moduli.iter().all(|it| it.bits() <= BITS_USUAL) {
        return four::run(Powers::<36, 72, 29>::new(bases, exponents, moduli));
    }
    four::run(Powers::<76, 152, 28>::new(bases, exponents, moduli))
}

pub(super) fn words(number: &BigUint) -> Words {
    let bytes = number.to_bytes_le();
    let words = bytes.chunks(8).map(|it| {
        let mut word = [0; 8];
        word[..it.len()].copy_from_slice(it);
        u64::from_le_bytes(word)
    });
    words.collect()
}

/// Some bits of a number; there are none above its highest word.
fn bits(words: &[u64], from: usize, count: usize) -> u64 {
    let (word, shift) = (from / 64, from % 64);
    let low = words.get(word).map_or(0, |it| it >> shift);
    let high = match words.get(word + 1) {
        Some(it) if shift + count > 64 => it << (64 - shift),
        _ => 0,
    };
    (low | high) & ((1 << count) - 1)
}

#[cfg(test)]
mod tests;
