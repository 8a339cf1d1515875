//! Private keys for DSA, which Go writes in OpenSSL's old form: primes of 2,048 and 256 bits, as sprig asks for.

use rsa::BigUint;

use super::{der, pem};
use crate::template::exec::Exec;

const P_BYTES: usize = 256;
const Q_BYTES: usize = 32;
/// Numbers of one progression that are looked at before another start is drawn.
const WINDOW: u32 = 4_096;
/// Candidates that a prime below it divides are not tested.
const SMALL_MAX: u32 = 1 << 13;
/// Bases of the test by Miller and Rabin: candidates are random, so that few are enough.
const BASES: [u32; 5] = [2, 3, 5, 7, 11];

/// A new key in PEM.
pub(super) fn generate_pem(exec: &mut Exec<'_>) -> String {
    let one = BigUint::from(1_u32);
    let (p, q) = primes(exec);
    let exponent = (&p - &one) / &q;
    let generator = (2..u32::MAX)
        .map(|it| BigUint::from(it).modpow(&exponent, &p))
        .find(|it| *it != one)
        .unwrap_or_default();
    let private = loop {
        let x = number::<Q_BYTES>(exec);
        if x != BigUint::default() && x < q {
            break x;
        }
    };
    let public = generator.modpow(&private, &p);
    let version = BigUint::default();
    let numbers = [&version, &p, &q, &generator, &public, &private];
    let parts = numbers.map(|it| der::integer(&it.to_bytes_be()));
    pem("DSA PRIVATE KEY", &der::sequence(&parts))
}

/// A long prime and a short one, which divides what is one below the long one.
fn primes(exec: &mut Exec<'_>) -> (BigUint, BigUint) {
    loop {
        // Odd numbers from a random one on.
        let start = with_highest_bit(number::<Q_BYTES>(exec), Q_BYTES) | BigUint::from(1_u32);
        let Some(q) = first_prime(&start, &BigUint::from(2_u32)) else {
            continue;
        };
        let start = with_highest_bit(number::<P_BYTES>(exec), P_BYTES);
        let step = &q * 2_u32;
        let start = &start - &start % &step + 1_u32;
        let found = first_prime(&start, &step).filter(|it| it.bits() == P_BYTES * 8);
        if let Some(p) = found.filter(|_| q.bits() == Q_BYTES * 8) {
            return (p, q);
        }
    }
}

fn number<const N: usize>(exec: &mut Exec<'_>) -> BigUint {
    let mut bytes = [0; N];
    exec.random_bytes(&mut bytes);
    BigUint::from_bytes_be(&bytes)
}

fn with_highest_bit(number: BigUint, bytes: usize) -> BigUint {
    number | BigUint::from(1_u32) << (bytes * 8 - 1)
}

/// The first prime of `start`, `start + step`, ...
fn first_prime(start: &BigUint, step: &BigUint) -> Option<BigUint> {
    let rest = |of: &BigUint, small: u32| {
        let digits = (of % small).to_bytes_le();
        digits
            .iter()
            .rev()
            .fold(0_u32, |all, it| all << 8 | u32::from(*it))
    };
    let mut composite = [false; WINDOW as usize];
    for small in (3..SMALL_MAX).step_by(2).filter(|it| is_small_prime(*it)) {
        let (mut at, step) = (rest(start, small), rest(step, small));
        for known in &mut composite {
            *known |= at == 0;
            at = (at + step) % small;
        }
    }
    (0..WINDOW)
        .zip(composite)
        .filter(|it| !it.1)
        .map(|it| start + step * it.0)
        .find(is_prime)
}

fn is_small_prime(number: u32) -> bool {
    (3..)
        .step_by(2)
        .take_while(|it| it * it <= number)
        .all(|it| !number.is_multiple_of(it))
}

/// Miller and Rabin.
fn is_prime(number: &BigUint) -> bool {
    let one = BigUint::from(1_u32);
    let below = number - &one;
    let twos = below.trailing_zeros().unwrap_or_default();
    let odd = &below >> twos;
    BASES.iter().all(|base| {
        let mut power = BigUint::from(*base).modpow(&odd, number);
        if power == one || power == below {
            return true;
        }
        (1..twos).any(|_| {
            power = &power * &power % number;
            power == below
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn primes_are_told() {
        let of = |it: u32| is_prime(&BigUint::from(it));
        let found: Vec<u32> = (13..60).step_by(2).filter(|it| of(*it)).collect();
        assert_eq!(found, [13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59]);
        // A number that Fermat's test takes for a prime.
        assert!(!of(561));
        let found = first_prime(&BigUint::from(1_000_001_u32), &BigUint::from(2_u32));
        assert_eq!(found, Some(BigUint::from(1_000_003_u32)));
    }
}
