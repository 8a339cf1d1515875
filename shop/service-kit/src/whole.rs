//! Whole numbers of bodies. `2.0` is one too, as JSON Schema has it: some clients write every number that way.

use std::fmt;

use serde::de::{Deserializer, Error, Visitor};

/// Floating point numbers hold every whole number up to here.
const EXACT_MAX: f64 = 9_007_199_254_740_992.0;

/// For `#[serde(deserialize_with = "service_kit::whole")]`.
pub fn whole<'de, D: Deserializer<'de>, T: TryFrom<i64>>(from: D) -> Result<T, D::Error> {
    let number = from.deserialize_i64(Whole)?;
    T::try_from(number).map_err(|_| D::Error::custom(format!("{number} is out of range")))
}

struct Whole;

impl Visitor<'_> for Whole {
    type Value = i64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number")
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<i64, E> {
        Ok(number)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<i64, E> {
        i64::try_from(number).map_err(|_| E::custom(format!("{number} is out of range")))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<i64, E> {
        if number.fract() != 0.0 {
            return Err(E::invalid_type(serde::de::Unexpected::Float(number), &self));
        }
        if number.abs() > EXACT_MAX {
            return Err(E::custom(format!("{number} is out of range")));
        }
        #[expect(clippy::cast_possible_truncation, reason = "it is whole and small enough")]
        Ok(number as i64)
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    struct Pieces {
        #[serde(deserialize_with = "super::whole")]
        quantity: u32,
    }

    #[test]
    fn only_whole_numbers_are_numbers_of_pieces() {
        let cases = [
            ("2", Some(2)),
            ("2.0", Some(2)),
            ("2e1", Some(20)),
            ("2.5", None),
            ("-1", None),
            ("1e300", None),
            ("18446744073709551615", None),
            ("\"2\"", None),
            ("null", None),
        ];
        for (text, expected) in cases {
            let read = serde_json::from_str::<Pieces>(&format!("{{\"quantity\":{text}}}"));
            assert_eq!(read.ok().map(|pieces| pieces.quantity), expected, "{text}");
        }
    }
}
