//! Decimal numbers of any length, as the library decimal has them: 0.1 + 0.2 is 0.3, and a quotient has sixteen places.

use rsa::BigUint;

/// Places of a quotient behind the point.
const PLACES: i32 = 16;

/// `digits * 10^exponent`, or what lies as far below zero.
#[derive(Debug, Clone)]
pub(super) struct Decimal {
    below: bool,
    digits: BigUint,
    exponent: i32,
}

/// A power of ten.
fn ten_to(exponent: i32) -> BigUint {
    let ten = BigUint::from(10_u8);
    (0..exponent).fold(BigUint::from(1_u8), |power, _| power * &ten)
}

impl Decimal {
    /// The shortest decimal number that is this float.
    pub(super) fn new(value: f64) -> Self {
        let text = format!("{:e}", value.abs());
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = format!("{whole}{fraction}");
        let places = i32::try_from(fraction.len()).unwrap_or(0);
        Self {
            below: value < 0.0,
            digits: BigUint::parse_bytes(digits.as_bytes(), 10).unwrap_or_default(),
            exponent: exponent.parse::<i32>().unwrap_or(0) - places,
        }
    }

    /// The nearest float.
    pub(super) fn to_float(&self) -> f64 {
        let sign = if self.below { "-" } else { "" };
        let text = format!("{sign}{}e{}", self.digits.to_str_radix(10), self.exponent);
        text.parse().unwrap_or(f64::NAN)
    }

    /// Digits for a smaller exponent.
    fn digits_at(&self, exponent: i32) -> BigUint {
        &self.digits * ten_to(self.exponent - exponent)
    }

    pub(super) fn plus(&self, other: &Self) -> Self {
        let exponent = self.exponent.min(other.exponent);
        let (one, two) = (self.digits_at(exponent), other.digits_at(exponent));
        let (below, digits) = if self.below == other.below {
            (self.below, one + two)
        } else if one >= two {
            (self.below, one - two)
        } else {
            (other.below, two - one)
        };
        Self {
            below,
            digits,
            exponent,
        }
    }

    pub(super) fn minus(&self, other: &Self) -> Self {
        let below = !other.below;
        self.plus(&Self {
            below,
            ..other.clone()
        })
    }

    pub(super) fn times(&self, other: &Self) -> Self {
        Self {
            below: self.below != other.below,
            digits: &self.digits * &other.digits,
            exponent: self.exponent + other.exponent,
        }
    }

    /// Rounded half away from zero; `other` is not zero.
    pub(super) fn over(&self, other: &Self) -> Self {
        // Both sides get the exponent of the quotient.
        let shift = self.exponent - other.exponent + PLACES;
        let (one, two) = (&self.digits * ten_to(shift), &other.digits * ten_to(-shift));
        Self {
            below: self.below != other.below,
            digits: (one * BigUint::from(2_u8) + &two) / (two * BigUint::from(2_u8)),
            exponent: -PLACES,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_and_products_are_those_of_decimal_numbers() {
        let of = |operation: fn(&Decimal, &Decimal) -> Decimal, a, b| {
            operation(&Decimal::new(a), &Decimal::new(b))
                .to_float()
                .to_string()
        };
        for (operation, a, b, expected) in [
            (
                Decimal::plus as fn(&Decimal, &Decimal) -> Decimal,
                0.1,
                0.2,
                "0.3",
            ),
            (Decimal::plus, 1.2e19, 1.5, "12000000000000000000"),
            (Decimal::plus, -3.0, 2.5, "-0.5"),
            (Decimal::plus, 1e300, 1e-300, &1e300_f64.to_string()),
            (Decimal::minus, 1.0, 0.9, "0.1"),
            (Decimal::minus, 0.9, 1.0, "-0.1"),
            (Decimal::times, 1.1, -1.1, "-1.21"),
            (
                Decimal::times,
                123_456_789.123,
                987_654_321.321,
                "121932631273746380",
            ),
            (Decimal::times, 1e308, -1e308, "-inf"),
            (Decimal::over, 1.0, 3.0, "0.3333333333333333"),
            (Decimal::over, -2.0, 3.0, "-0.6666666666666667"),
            (Decimal::over, 1e20, 3.0, "33333333333333330000"),
            (Decimal::over, 1e-20, 3.0, "0"),
        ] {
            assert_eq!(of(operation, a, b), expected, "{a} {b}");
        }
    }
}
