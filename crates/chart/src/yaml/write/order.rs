//! The library's order of keys: numbers within texts by their value, letters after everything else.

use std::cmp::Ordering;

use crate::go::runes;

pub(super) fn compare(a: &[u8], b: &[u8]) -> Ordering {
    let Some(at) = a.iter().zip(b).position(|(a, b)| a != b) else {
        return a.len().cmp(&b.len());
    };
    // Most keys differ in a letter first, and then it decides.
    if a[at].is_ascii_alphabetic() && b[at].is_ascii_alphabetic() {
        return a[at].cmp(&b[at]);
    }
    if a.is_ascii() && b.is_ascii() {
        return ordered(a, b);
    }
    let a: Vec<char> = runes::runes(a).map(|it| it.1).collect();
    let b: Vec<char> = runes::runes(b).map(|it| it.1).collect();
    ordered(&a, &b)
}

fn ordered<T: Copy + Ord + Into<char>>(a: &[T], b: &[T]) -> Ordering {
    if less(a, b) {
        Ordering::Less
    } else if less(b, a) {
        Ordering::Greater
    } else {
        Ordering::Equal
    }
}

fn less<T: Copy + Ord + Into<char>>(a: &[T], b: &[T]) -> bool {
    let Some(at) = a.iter().zip(b).position(|(a, b)| a != b) else {
        return a.len() < b.len();
    };
    let (a_rune, b_rune): (char, char) = (a[at].into(), b[at].into());
    let (a_letter, b_letter) = (runes::is_letter(a_rune), runes::is_letter(b_rune));
    if a_letter && b_letter {
        return a_rune < b_rune;
    }
    if a_letter || b_letter {
        return b_letter;
    }
    let mut start = 0;
    if a_rune == '0' || b_rune == '0' {
        // A zero within a number counts, a leading one does not.
        let before = a[..at].iter().rev().map(|it| (*it).into());
        if before.take_while(|it| runes::is_digit(*it)).any(|it| it != '0') {
            start = 1;
        }
    }
    let (a_end, a_number) = number(a, at, start);
    let (b_end, b_number) = number(b, at, start);
    if a_number != b_number {
        return a_number < b_number;
    }
    if a_end != b_end {
        return a_end < b_end;
    }
    a_rune < b_rune
}

fn number<T: Copy + Into<char>>(text: &[T], at: usize, start: i64) -> (usize, i64) {
    let mut value = start;
    let mut end = at;
    while let Some(digit) = text
        .get(end)
        .map(|it| (*it).into())
        .filter(|it| runes::is_digit(*it))
    {
        let digit = i64::from(u32::from(digit)) - i64::from(u32::from('0'));
        value = value.wrapping_mul(10).wrapping_add(digit);
        end += 1;
    }
    (end, value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_in_natural_order() {
        let sorted = [
            "", "1", "2", "2.5", "10", "A1", "a1", "a01", "a2", "a10", "a", "b", "b.1", "b0", "b1", "b2",
        ];
        let mut keys: Vec<&str> = sorted.iter().rev().copied().collect();
        keys.sort_by(|a, b| compare(a.as_bytes(), b.as_bytes()));
        assert_eq!(compare(b"k2", b"k10"), Ordering::Less);
        assert_eq!(compare(b"k-a", b"ka"), Ordering::Less);
        assert_eq!(compare(b"a", b"a1"), Ordering::Less);
        assert_eq!(compare(b"B", b"a"), Ordering::Less);
        assert_eq!(keys.first(), Some(&""));
    }
}
