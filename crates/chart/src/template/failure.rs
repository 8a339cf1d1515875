//! Errors of execution: Go's chain of wrapped messages, outermost first.

/// An error and what it wraps.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    /// The messages that unwrapping gives, outermost first; each contains those after it.
    pub(crate) texts: Vec<String>,
    /// The outermost is an error of the template engine, with a position.
    pub(crate) from_template: bool,
    /// A limit was passed: nothing may swallow it.
    pub(crate) limit: bool,
}

pub(crate) type Fail = Box<Failure>;

impl Failure {
    /// An error of a function.
    pub(crate) fn plain(message: impl Into<String>) -> Fail {
        Box::new(Self {
            texts: vec![message.into()],
            from_template: false,
            limit: false,
        })
    }

    /// A limit that was passed.
    pub(crate) fn limit(message: impl Into<String>) -> Fail {
        Box::new(Self {
            texts: vec![message.into()],
            from_template: false,
            limit: true,
        })
    }

    pub(crate) fn text(&self) -> &str {
        self.texts.first().map_or("", String::as_str)
    }

    /// The error wrapped as `fmt.Errorf("{before}%w", self)` does.
    pub(crate) fn wrap(mut self: Box<Self>, before: &str) -> Fail {
        let text = format!("{before}{}", self.text());
        self.texts.insert(0, text);
        self.from_template = false;
        self
    }
}

impl From<String> for Fail {
    fn from(message: String) -> Self {
        Failure::plain(message)
    }
}

impl From<&str> for Fail {
    fn from(message: &str) -> Self {
        Failure::plain(message)
    }
}
