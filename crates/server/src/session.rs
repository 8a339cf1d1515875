//! Who looks at the page: somebody who showed the token once, and the name that they gave for the ledger.

use axum::http::{HeaderMap, HeaderValue, header};

use crate::token::Token;

/// Cookie of a browser that showed the token.
const SESSION: &str = "windlass";
/// Cookie of the name that its user gave.
const NAME: &str = "windlass-name";
/// Characters of a name.
const NAME_MAX: usize = 60;

/// The name of whoever showed the token; `None` for everybody else.
pub(crate) fn who(headers: &HeaderMap, token: &Token) -> Option<String> {
    let cookies = || {
        let lines = headers.get_all(header::COOKIE).iter();
        lines
            .filter_map(|line| line.to_str().ok())
            .flat_map(|line| line.split(';'))
    };
    let find = |name: &str| {
        cookies()
            .filter_map(|one| one.trim().split_once('='))
            .find(|(key, _)| *key == name)
    };
    let (_, session) = find(SESSION)?;
    token
        .fits_session(session)
        .then(|| find(NAME).map_or_else(|| "page".to_owned(), |(_, name)| clean(name)))
}

/// The cookies for a browser that showed the token. They are not sent along with another site's requests, and scripts do
/// not see them.
pub(crate) fn cookies(token: &Token, name: &str) -> Vec<HeaderValue> {
    let name = clean(name);
    let texts = [
        format!("{SESSION}={}; HttpOnly; SameSite=Strict; Path=/", token.session()),
        format!("{NAME}={name}; HttpOnly; SameSite=Strict; Path=/"),
    ];
    texts
        .iter()
        .filter_map(|text| HeaderValue::from_str(text).ok())
        .collect()
}

/// The same, to forget them.
pub(crate) fn no_cookies() -> Vec<HeaderValue> {
    [SESSION, NAME]
        .iter()
        .filter_map(|name| {
            HeaderValue::from_str(&format!("{name}=; Max-Age=0; SameSite=Strict; Path=/")).ok()
        })
        .collect()
}

/// What of a name fits into a cookie and a line of a report.
fn clean(name: &str) -> String {
    let fits = |c: &char| c.is_ascii_alphanumeric() || " ._@+-".contains(*c);
    let name: String = name.trim().chars().filter(fits).take(NAME_MAX).collect();
    if name.is_empty() { "page".to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderMap;

    use super::{cookies, who};
    use crate::token::Token;

    #[test]
    fn a_browser_is_known_by_its_cookie_only() {
        let token = Token::new("secret".to_owned());
        let mut headers = HeaderMap::new();
        assert_eq!(who(&headers, &token), None);
        let pairs: Vec<String> = cookies(&token, "Ana; Path=/\r\n B.")
            .iter()
            .map(|cookie| cookie.to_str().unwrap().split(';').next().unwrap().to_owned())
            .collect();
        headers.insert("cookie", pairs.join("; ").parse().unwrap());
        assert_eq!(who(&headers, &token).as_deref(), Some("Ana Path B."));
        assert_eq!(who(&headers, &Token::new("other".to_owned())), None);
    }
}
