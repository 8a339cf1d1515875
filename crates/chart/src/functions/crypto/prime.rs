//! Prime numbers for RSA keys: candidates are sieved, two threads look at those that are left, and what looks like a prime
//! is tested again with random bases.

mod sieve;

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::Builder;

use rsa::BigUint;

use super::powers;

/// The exponent of all keys. It must not divide what is one below a prime.
pub(super) const EXPONENT: u32 = 65_537;
/// Primes that share their highest bits could be found from their product (FIPS 186-5, A.1.3): these many must not all be
/// the same.
const SHARED_BITS_MAX: usize = 100;

/// Random bases of the last test. For a random number of 1,024 bits they leave a chance below 2^-100 that it is no prime.
const ROUNDS: usize = 4;

/// Two random primes of `bits` bits, whose two highest bits are set, so that their product has all its bits. What
/// `random` fills in decides which primes they are.
pub(super) fn pair(bits: usize, mut random: impl FnMut(&mut [u8])) -> (BigUint, BigUint) {
    let mut number = || {
        let mut bytes = vec![0; bits / 8];
        random(&mut bytes);
        bytes
    };
    loop {
        let starts = [number(), number()].map(|mut bytes| {
            if let [first, .., last] = bytes.as_mut_slice() {
                *first |= 1;
                *last |= 0b1100_0000;
            }
            BigUint::from_bytes_le(&bytes)
        });
        let bases = [(); 2].map(|()| [(); ROUNDS].map(|()| BigUint::from_bytes_le(&number())));
        let Some([p, q]) = found(&starts.map(Search::new)) else {
            continue;
        };
        let apart = if p > q { &p - &q } else { &q - &p };
        let both = || on_two_threads(|| pass_rounds(&p, &bases[0]), || pass_rounds(&q, &bases[1]));
        if apart.bits() > bits - SHARED_BITS_MAX && both() == (true, true) {
            return (p, q);
        }
    }
}

/// The first prime from a random number on.
struct Search {
    start: BigUint,
    candidates: OnceLock<Vec<u32>>,
    next: AtomicUsize,
    found: AtomicUsize,
}

impl Search {
    fn new(start: BigUint) -> Self {
        Self {
            start,
            candidates: OnceLock::new(),
            next: AtomicUsize::new(0),
            found: AtomicUsize::new(usize::MAX),
        }
    }

    /// How much more than `start` the numbers are that no small prime divides.
    fn candidates(&self) -> &[u32] {
        self.candidates
            .get_or_init(|| sieve::candidates(&self.start, EXPONENT))
    }

    /// Tests four candidates after the other until a prime is known before all that nobody has taken.
    fn look(&self) {
        let candidates = self.candidates();
        loop {
            let from = 4 * self.next.fetch_add(1, Ordering::Relaxed);
            if from >= candidates.len().min(self.found.load(Ordering::Relaxed)) {
                return;
            }
            let last = candidates.len() - 1;
            let numbers = std::array::from_fn(|it| &self.start + candidates[last.min(from + it)]);
            if let Some(at) = powers::may_be_primes(&numbers).iter().position(|it| *it) {
                self.found.fetch_min(from + at, Ordering::Relaxed);
            }
        }
    }

    fn found(&self) -> Option<BigUint> {
        let found = self.found.load(Ordering::Relaxed);
        let more = self.candidates().get(found)?;
        Some(&self.start + *more)
    }
}

/// What both searches find. It does not depend on which thread is faster.
fn found(searches: &[Search; 2]) -> Option<[BigUint; 2]> {
    let look = || searches.iter().for_each(Search::look);
    on_two_threads(look, || {
        // So that both sieve at the same time.
        searches[1].candidates();
        look();
    });
    Some([searches[0].found()?, searches[1].found()?])
}

/// Without a second thread, this one does both.
fn on_two_threads<A: Send, B: Send>(
    one: impl Fn() -> A + Send + Sync,
    other: impl Fn() -> B + Send + Sync,
) -> (A, B) {
    std::thread::scope(|scope| {
        let thread = Builder::new().spawn_scoped(scope, &one);
        let other = other();
        let one = match thread.map(std::thread::ScopedJoinHandle::join) {
            Ok(Ok(one)) => one,
            Ok(Err(panic)) => std::panic::resume_unwind(panic),
            Err(_) => one(),
        };
        (one, other)
    })
}

/// The test by Miller and Rabin, for an odd number.
fn pass_rounds(number: &BigUint, bases: &[BigUint; ROUNDS]) -> bool {
    let less_one = number - 1_u8;
    let twos = less_one.trailing_zeros().unwrap_or(0);
    let odd = &less_one >> twos;
    let bases = bases.each_ref().map(|it| it % (number - 3_u8) + 2_u8);
    let same = |it: &BigUint| std::array::from_fn(|_| it.clone());
    let one = BigUint::from(1_u8);
    powers::powers(&bases, &same(&odd), &same(number))
        .into_iter()
        .all(|mut power| {
            if power == one || power == less_one {
                return true;
            }
            (1..twos).any(|_| {
                power = &power * &power % number;
                power == less_one
            })
        })
}

#[cfg(test)]
mod tests;
