//! The library's order of keys: numbers within texts by their value, letters after everything else.

use std::cmp::Ordering;

use crate::go::runes;

pub(super) fn compare(a: &[u8], b: &[u8]) -> Ordering {
    if a == b {
        return Ordering::Equal;
    }
    let first_difference = a.iter().zip(b).position(|(a, b)| a != b);
    if let Some(at) = first_difference
        && a.is_ascii()
        && b.is_ascii()
    {
        let (a_byte, b_byte) = (a[at], b[at]);
        if a_byte.is_ascii_alphabetic() && b_byte.is_ascii_alphabetic() {
            return a_byte.cmp(&b_byte);
        }
    }
    let a: Vec<char> = runes::runes(a).map(|it| it.1).collect();
    let b: Vec<char> = runes::runes(b).map(|it| it.1).collect();
    if less(&a, &b) {
        Ordering::Less
    } else if less(&b, &a) {
        Ordering::Greater
    } else {
        Ordering::Equal
    }
}

fn less(a: &[char], b: &[char]) -> bool {
    let Some(at) = a.iter().zip(b).position(|(a, b)| a != b) else {
        return a.len() < b.len();
    };
    let (a_letter, b_letter) = (runes::is_letter(a[at]), runes::is_letter(b[at]));
    if a_letter && b_letter {
        return a[at] < b[at];
    }
    if a_letter || b_letter {
        return b_letter;
    }
    let mut start = 0;
    if a[at] == '0' || b[at] == '0' {
        // A zero within a number counts, a leading one does not.
        let before = a[..at].iter().rev().take_while(|it| runes::is_digit(**it));
        if before.into_iter().any(|it| *it != '0') {
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
    a[at] < b[at]
}

fn number(text: &[char], at: usize, start: i64) -> (usize, i64) {
    let mut value = start;
    let mut end = at;
    while let Some(digit) = text.get(end).filter(|it| runes::is_digit(**it)) {
        let digit = i64::from(u32::from(*digit)) - i64::from(u32::from('0'));
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
