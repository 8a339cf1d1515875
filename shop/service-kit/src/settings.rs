//! Configuration from environment variables. Every mistake names the variable and the form that it expects.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use http::Uri;

/// Shortest secret that is taken, in characters.
const SECRET_CHARS_MIN: usize = 16;

/// A variable that is missing or has the wrong form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{variable} {problem}: expected {expected}")]
pub struct SettingError {
    /// Name of the environment variable.
    pub variable: String,
    /// What is wrong with it, without its value where that may be a secret.
    pub problem: String,
    /// The form that it expects.
    pub expected: String,
}

/// A value that never shows itself in logs or errors.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The value in clear, for signing.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

/// The variables that a process was started with.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    values: BTreeMap<String, String>,
}

impl Settings {
    /// The variables of this process. A value that is not UTF-8 is read with replacement characters.
    pub fn from_environment() -> Self {
        let values = std::env::vars_os()
            .map(|(name, value)| {
                (
                    name.to_string_lossy().into_owned(),
                    value.to_string_lossy().into_owned(),
                )
            })
            .collect();
        Self { values }
    }

    /// The given variables only; for tests.
    pub fn of<'a>(pairs: impl IntoIterator<Item = (&'a str, String)>) -> Self {
        Self {
            values: pairs
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect(),
        }
    }

    /// The value; an empty one counts as not given.
    pub fn get(&self, variable: &str) -> Option<&str> {
        self.values
            .get(variable)
            .map(|value| value.trim())
            .filter(|value| !value.is_empty())
    }

    /// The value, or `default`.
    pub fn text(&self, variable: &str, default: &str) -> String {
        self.get(variable).unwrap_or(default).to_owned()
    }

    /// Reads a value by its `FromStr`.
    pub fn parsed<T: FromStr>(&self, variable: &str, expected: &str, default: T) -> Result<T, SettingError> {
        let Some(value) = self.get(variable) else {
            return Ok(default);
        };
        value.parse().map_err(|_| wrong(variable, value, expected))
    }

    /// One of a few words.
    pub fn choice<'a>(
        &self,
        variable: &str,
        words: &[&'a str],
        default: &'a str,
    ) -> Result<&'a str, SettingError> {
        let value = self.get(variable).unwrap_or(default);
        let found = words.iter().find(|word| **word == value);
        found
            .copied()
            .ok_or_else(|| wrong(variable, value, &format!("one of {}", words.join(", "))))
    }

    /// `on` or `off`.
    pub fn switch(&self, variable: &str, default: &str) -> Result<bool, SettingError> {
        Ok(self.choice(variable, &["on", "off"], default)? == "on")
    }

    /// A time such as `20s`, `500ms` or `2m`.
    pub fn duration(&self, variable: &str, default: &str) -> Result<Duration, SettingError> {
        let value = self.get(variable).unwrap_or(default);
        parse_duration(value).ok_or_else(|| wrong(variable, value, "a time such as 20s, 500ms or 2m"))
    }

    /// A secret of at least 16 characters; there is no default.
    pub fn secret(&self, variable: &str) -> Result<Secret, SettingError> {
        let expected =
            format!("at least {SECRET_CHARS_MIN} characters, the same for all services that use it");
        let Some(value) = self.get(variable) else {
            return Err(missing(variable, &expected));
        };
        if value.chars().count() < SECRET_CHARS_MIN {
            let problem = format!("has only {} characters", value.chars().count());
            return Err(SettingError {
                variable: variable.to_owned(),
                problem,
                expected,
            });
        }
        Ok(Secret(value.to_owned()))
    }

    /// The address of another service, `http://host:port`.
    pub fn url(&self, variable: &str) -> Result<Uri, SettingError> {
        let expected = "an address of the form http://host:port";
        let Some(value) = self.get(variable) else {
            return Err(missing(variable, expected));
        };
        let uri = value.trim_end_matches('/').parse::<Uri>().ok();
        uri.filter(|uri| uri.scheme_str() == Some("http") && uri.authority().is_some() && uri.path() == "/")
            .ok_or_else(|| wrong(variable, value, expected))
    }
}

/// A time such as `20s`, `500ms` or `2m`.
pub(crate) fn parse_duration(text: &str) -> Option<Duration> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().ok()?;
    match unit {
        "ms" => Some(Duration::from_millis(number)),
        "s" => Some(Duration::from_secs(number)),
        "m" => number.checked_mul(60).map(Duration::from_secs),
        _ => None,
    }
}

impl SettingError {
    /// A value that has not the expected form.
    pub fn wrong(variable: &str, value: &str, expected: &str) -> Self {
        wrong(variable, value, expected)
    }
}

pub(crate) fn wrong(variable: &str, value: &str, expected: &str) -> SettingError {
    let problem = format!("is `{value}`");
    SettingError {
        variable: variable.to_owned(),
        problem,
        expected: expected.to_owned(),
    }
}

pub(crate) fn missing(variable: &str, expected: &str) -> SettingError {
    let problem = "is not set".to_owned();
    SettingError {
        variable: variable.to_owned(),
        problem,
        expected: expected.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_names_the_variable_and_the_form() {
        let settings = Settings::of([
            ("PORT", "http".to_owned()),
            ("JWT_SECRET", "short".to_owned()),
            ("CART_SERVICE_URL", "cart:3003".to_owned()),
            ("SHUTDOWN_GRACE", "20".to_owned()),
            ("SEED", "yes".to_owned()),
        ]);
        let texts = [
            settings
                .parsed::<u16>("PORT", "a port, 0 to 65535", 1)
                .unwrap_err()
                .to_string(),
            settings.secret("JWT_SECRET").unwrap_err().to_string(),
            settings.secret("PSP_SECRET").unwrap_err().to_string(),
            settings.url("CART_SERVICE_URL").unwrap_err().to_string(),
            settings
                .duration("SHUTDOWN_GRACE", "20s")
                .unwrap_err()
                .to_string(),
            settings.switch("SEED", "on").unwrap_err().to_string(),
        ];
        assert_eq!(
            texts.join("\n"),
            "PORT is `http`: expected a port, 0 to 65535\n\
             JWT_SECRET has only 5 characters: expected at least 16 characters, the same for all services that use it\n\
             PSP_SECRET is not set: expected at least 16 characters, the same for all services that use it\n\
             CART_SERVICE_URL is `cart:3003`: expected an address of the form http://host:port\n\
             SHUTDOWN_GRACE is `20`: expected a time such as 20s, 500ms or 2m\n\
             SEED is `yes`: expected one of on, off"
        );
    }
}
