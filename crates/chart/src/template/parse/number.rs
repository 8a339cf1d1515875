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
        });
    }
    if kind == Kind::Complex || text.ends_with('i') {
        return Err(format!("complex numbers are not supported: {text}"));
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
        });
    }
    if number::parse_uint(text).is_some() {
        return Ok(Number {
            text: whole,
            int: None,
            float: None,
            is_float: false,
        });
    }
    match number::parse_float(&text.replace('_', "")) {
        Some(_) if !text.contains(['.', 'e', 'E', 'p', 'P']) => {
            Err(format!("integer overflow: {}", quote::quoted(text.as_bytes())))
        }
        Some(float) => {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "checked by the comparison that follows"
            )]
            let int = float as i64;
            #[expect(
                clippy::cast_precision_loss,
                clippy::float_cmp,
                reason = "exactly Go's test for a whole number"
            )]
            let whole_number = int as f64 == float;
            Ok(Number {
                text: whole,
                int: whole_number.then_some(int),
                float: Some(float),
                is_float: true,
            })
        }
        None => Err(format!(
            "illegal number syntax: {}",
            quote::quoted(text.as_bytes())
        )),
    }
}
