//! Number literals: Go's ideal constants.

use crate::go::{number, quote};
use crate::template::lex::Kind;
use crate::template::node::Number;

/// The number that `text` writes, under all types that can hold it.
pub(super) fn read(text: &[u8], kind: Kind) -> Result<Number, String> {
    let whole = text.into();
    let text = std::str::from_utf8(text).unwrap_or_default();
    if kind == Kind::CharConstant {
        let Some(rune) = quote::unquote_rune(text.as_bytes()) else {
            return Err(format!("malformed character constant: {text}"));
        };
        return Ok(Number {
            text: whole,
            int: Some(i64::from(rune)),
            float: Some(f64::from(rune)),
            is_float: false,
            complex: None,
        });
    }
    if let Some((real, imaginary)) = complex(text, kind) {
        return Ok(Number {
            text: whole,
            int: None,
            float: None,
            is_float: false,
            complex: Some((real, imaginary)),
        }
        .simplified());
    }
    let is_hex = text.len() > 2 && (text.starts_with("0x") || text.starts_with("0X"));
    let is_float = !is_hex && text.contains(['.', 'e', 'E', 'p', 'P']);
    #[expect(
        clippy::cast_precision_loss,
        reason = "Go promotes integers to floats the same way"
    )]
    if let Some(int) = number::parse_int(text) {
        return Ok(Number {
            text: whole,
            int: Some(int),
            float: Some(int as f64),
            is_float,
            complex: None,
        });
    }
    if number::parse_uint(text).is_some() {
        return Ok(Number {
            text: whole,
            int: None,
            float: None,
            is_float: false,
            complex: None,
        });
    }
    match number::parse_float(&text.replace('_', "")) {
        Some(_) if !text.contains(['.', 'e', 'E', 'p', 'P']) => {
            Err(format!("integer overflow: {}", quote::quoted(text.as_bytes())))
        }
        Some(float) => Ok(Number {
            text: whole,
            int: whole_number(float),
            float: Some(float),
            is_float: true,
            complex: None,
        }),
        None => Err(format!(
            "illegal number syntax: {}",
            quote::quoted(text.as_bytes())
        )),
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::float_cmp,
    reason = "exactly Go's test for a whole number"
)]
fn whole_number(float: f64) -> Option<i64> {
    let int = float as i64;
    (int as f64 == float).then_some(int)
}

/// The parts of a complex number: `2i`, `1.5-2i`.
fn complex(text: &str, kind: Kind) -> Option<(f64, f64)> {
    let float = |it: &str| number::parse_float(&it.replace('_', ""));
    let body = text.strip_suffix('i')?;
    if kind != Kind::Complex {
        return Some((0.0, float(body)?));
    }
    // The sign of the second part is the last one that is not an exponent's.
    let at = body
        .char_indices()
        .skip(1)
        .filter(|(at, it)| "+-".contains(*it) && !body[..*at].ends_with(['e', 'E', 'p', 'P']))
        .last()?
        .0;
    Some((float(&body[..at])?, float(&body[at..])?))
}

impl Number {
    /// A complex number without an imaginary part is a real one too.
    fn simplified(mut self) -> Self {
        if let Some((real, 0.0)) = self.complex {
            self.float = Some(real);
            self.int = whole_number(real);
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn complex_numbers_are_read() {
        let read = |text: &str, kind| read(text.as_bytes(), kind).unwrap();
        assert_eq!(read("2i", Kind::Number).complex, Some((0.0, 2.0)));
        assert_eq!(read("1e-3-2.5e+1i", Kind::Complex).complex, Some((0.001, -25.0)));
        let whole = read("4+0i", Kind::Complex);
        assert_eq!(
            (whole.int, whole.float, whole.complex),
            (Some(4), Some(4.0), Some((4.0, 0.0)))
        );
    }
}
