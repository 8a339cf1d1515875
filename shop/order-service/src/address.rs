//! Where an order goes, and whom it is confirmed to.

use serde::{Deserialize, Serialize};
use service_kit::Problem;

/// Longest text of a field.
const CHARS_MAX: usize = 120;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Address {
    name: String,
    street: String,
    postcode: String,
    city: String,
    country: String,
}

impl Address {
    pub(crate) fn check(&self) -> Result<(), Problem> {
        let fields = [
            ("address.name", &self.name),
            ("address.street", &self.street),
            ("address.postcode", &self.postcode),
            ("address.city", &self.city),
            ("address.country", &self.country),
        ];
        for (field, text) in fields {
            let odd = text.chars().any(char::is_control);
            if odd || text.trim().is_empty() || text.chars().count() > CHARS_MAX {
                return Err(Problem::invalid(
                    field,
                    format!("It must have 1 to {CHARS_MAX} characters, on one line."),
                ));
            }
        }
        Ok(())
    }
}

/// Whether a message can be sent there, as far as the form says.
pub(crate) fn check_email(email: &str) -> Result<(), Problem> {
    let (local, domain) = email.split_once('@').unwrap_or_default();
    let fine =
        !local.is_empty() && domain.contains('.') && !domain.starts_with('.') && !domain.ends_with('.');
    if fine && email.len() <= CHARS_MAX && !email.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Ok(());
    }
    Err(Problem::invalid("email", "It must be an e-mail address."))
}
