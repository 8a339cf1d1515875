//! What was typed into a form, and fields that show it again with what is wrong beside them.

use std::collections::BTreeMap;

use maud::{Markup, html};

/// Fields of one form that are read.
const FIELDS_MAX: usize = 40;

/// The fields of a form that was sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Fields {
    values: BTreeMap<String, String>,
}

impl Fields {
    /// Reads `a=b&c=d`.
    pub(crate) fn parse(bytes: &[u8]) -> Self {
        let values = form_urlencoded::parse(bytes)
            .take(FIELDS_MAX)
            .map(|(name, value)| (name.into_owned(), value.trim().to_owned()))
            .collect();
        Self { values }
    }

    /// What was typed, without space around it; empty when the field is not there.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.values.get(name).map_or("", String::as_str)
    }

    /// With a value where nothing was typed.
    #[must_use]
    pub(crate) fn or(mut self, name: &str, value: &str) -> Self {
        let slot = self.values.entry(name.to_owned()).or_default();
        if slot.is_empty() {
            value.clone_into(slot);
        }
        self
    }

    /// With another value, whatever was there.
    #[must_use]
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.values.insert(name.to_owned(), value.to_owned());
        self
    }
}

/// What is wrong with a form: of one field, or of the whole.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Complaint {
    field: Option<String>,
    text: String,
}

impl Complaint {
    /// Nothing is.
    pub(crate) fn none() -> Self {
        Self::default()
    }

    /// Of the whole form.
    pub(crate) fn whole(text: impl Into<String>) -> Self {
        Self {
            field: None,
            text: text.into(),
        }
    }

    /// Of one field, by its name in the form.
    pub(crate) fn of(field: &str, text: impl Into<String>) -> Self {
        Self {
            field: Some(field.to_owned()),
            text: text.into(),
        }
    }

    fn about(&self, field: &str) -> Option<&str> {
        (self.field.as_deref() == Some(field)).then_some(self.text.as_str())
    }

    /// The box at the head of the form; it takes the focus' place, so that it is read first.
    pub(crate) fn summary(&self) -> Markup {
        html! {
            @if !self.text.is_empty() {
                div.notice.bad role="alert" {
                    p {
                        @match &self.field {
                            Some(field) => a href={ "#" (field) } { (self.text) },
                            None => (self.text),
                        }
                    }
                }
            }
        }
    }
}

/// One labelled input.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Input {
    /// Name and id.
    pub(crate) name: &'static str,
    pub(crate) label: &'static str,
    /// `type`
    pub(crate) kind: &'static str,
    /// What browsers may fill in by themselves.
    pub(crate) autocomplete: &'static str,
    /// A line below the label; empty for none.
    pub(crate) hint: &'static str,
    pub(crate) max: u16,
}

impl Input {
    /// A text field.
    pub(crate) const fn text(name: &'static str, label: &'static str, autocomplete: &'static str) -> Self {
        Self {
            name,
            label,
            kind: "text",
            autocomplete,
            hint: "",
            max: 120,
        }
    }

    /// Another `type`.
    #[must_use]
    pub(crate) const fn kind(mut self, kind: &'static str) -> Self {
        self.kind = kind;
        self
    }

    /// With a line of help.
    #[must_use]
    pub(crate) const fn hint(mut self, hint: &'static str) -> Self {
        self.hint = hint;
        self
    }

    /// Shown with what was typed and what is wrong. Secrets are never sent back to the browser.
    pub(crate) fn show(&self, typed: &Fields, complaint: &Complaint) -> Markup {
        let wrong = complaint.about(self.name);
        let is_secret = self.kind == "password" || self.autocomplete == "cc-number";
        let value = if is_secret { "" } else { typed.get(self.name) };
        let described = match (wrong.is_some(), self.hint.is_empty()) {
            (true, _) => Some(format!("{}-error", self.name)),
            (false, false) => Some(format!("{}-hint", self.name)),
            (false, true) => None,
        };
        let mode = (self.autocomplete == "cc-number").then_some("numeric");
        html! {
            div.field {
                label for=(self.name) { (self.label) }
                @if !self.hint.is_empty() { p.hint id={ (self.name) "-hint" } { (self.hint) } }
                input id=(self.name) name=(self.name) type=(self.kind) value=(value) maxlength=(self.max)
                    autocomplete=(self.autocomplete) inputmode=[mode] required
                    aria-invalid=[wrong.map(|_| "true")] aria-describedby=[described];
                @if let Some(text) = wrong { p.error id={ (self.name) "-error" } { (text) } }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_shows_what_was_typed_and_what_is_wrong_but_no_secret() {
        let typed = Fields::parse(b"name=Ada+%3Cb%3E&secret=hunter2hunter2");
        let complaint = Complaint::of("name", "Too short.");
        let name = Input::text("name", "Name", "name")
            .show(&typed, &complaint)
            .into_string();
        for part in [
            "<label for=\"name\">",
            "value=\"Ada &lt;b&gt;\"",
            "aria-invalid=\"true\"",
            "aria-describedby=\"name-error\"",
        ] {
            assert!(name.contains(part), "{part} in {name}");
        }
        let secret = Input::text("secret", "Password", "new-password").kind("password");
        assert!(!secret.show(&typed, &complaint).into_string().contains("hunter2"));
        assert!(complaint.summary().into_string().contains("href=\"#name\""));
    }
}
