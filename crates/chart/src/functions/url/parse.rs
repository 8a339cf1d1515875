//! Go's `net/url`: parsing and writing.

/// Which characters stay as they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Path,
    PathSegment,
    Host,
    UserPassword,
    QueryComponent,
    Fragment,
}

#[derive(Debug, Default)]
pub(crate) struct Url {
    pub(crate) scheme: Vec<u8>,
    pub(crate) opaque: Vec<u8>,
    pub(crate) user: Option<User>,
    pub(crate) host: Vec<u8>,
    pub(crate) path: Vec<u8>,
    /// The path as it was written, where that says more.
    pub(crate) raw_path: Vec<u8>,
    pub(crate) query: Vec<u8>,
    pub(crate) force_query: bool,
    pub(crate) fragment: Vec<u8>,
}

#[derive(Debug)]
pub(crate) struct User {
    name: Vec<u8>,
    password: Option<Vec<u8>>,
}

impl User {
    pub(super) fn show(&self) -> Vec<u8> {
        let mut out = escape(&self.name, Mode::UserPassword);
        if let Some(password) = &self.password {
            out.push(b':');
            out.extend(escape(password, Mode::UserPassword));
        }
        out
    }
}

impl Url {
    pub(crate) fn hostname(&self) -> Vec<u8> {
        let host = &self.host;
        if let Some(rest) = host.strip_prefix(b"[")
            && let Some(end) = rest.iter().position(|it| *it == b']')
        {
            return rest[..end].to_vec();
        }
        match host.iter().rposition(|it| *it == b':') {
            Some(at) if host[at + 1..].iter().all(u8::is_ascii_digit) => host[..at].to_vec(),
            _ => host.clone(),
        }
    }

    /// `URL.String`.
    pub(super) fn show(&self) -> Vec<u8> {
        let mut out = Vec::new();
        if !self.scheme.is_empty() {
            out.extend_from_slice(&self.scheme);
            out.push(b':');
        }
        if self.opaque.is_empty() {
            if !self.scheme.is_empty() || !self.host.is_empty() || self.user.is_some() {
                if !self.host.is_empty() || !self.path.is_empty() || self.user.is_some() {
                    out.extend_from_slice(b"//");
                }
                if let Some(user) = &self.user {
                    out.extend(user.show());
                    out.push(b'@');
                }
                out.extend(escape(&self.host, Mode::Host));
            }
            let path = if self.raw_path.is_empty() {
                escape(&self.path, Mode::Path)
            } else {
                self.raw_path.clone()
            };
            if !path.is_empty() && path[0] != b'/' && !self.host.is_empty() {
                out.push(b'/');
            }
            out.extend(path);
        } else {
            out.extend_from_slice(&self.opaque);
        }
        if self.force_query || !self.query.is_empty() {
            out.push(b'?');
            out.extend_from_slice(&self.query);
        }
        if !self.fragment.is_empty() {
            out.push(b'#');
            out.extend(escape(&self.fragment, Mode::Fragment));
        }
        out
    }
}

/// `url.ResolveReference`, written out. Relative to an address without a path, as a name has none, stays what it is.
pub(crate) fn resolve(base: &str, reference: &str) -> Result<String, String> {
    let base = parse(base.as_bytes())?;
    let mut url = parse(reference.as_bytes())?;
    let written = |url: &Url| {
        if url.raw_path.is_empty() {
            escape(&url.path, Mode::Path)
        } else {
            url.raw_path.clone()
        }
    };
    let relative = url.scheme.is_empty();
    if relative {
        url.scheme.clone_from(&base.scheme);
    }
    let mut path = written(&url);
    if !relative || !url.host.is_empty() || url.user.is_some() {
        path = joined(&path, &[]);
    } else {
        if path.is_empty() && !url.force_query && url.query.is_empty() {
            url.query.clone_from(&base.query);
        }
        if !base.opaque.is_empty() {
            url.opaque = base.opaque;
            return Ok(String::from_utf8_lossy(&url.show()).into_owned());
        }
        path = joined(&written(&base), &path);
        url.host = base.host;
        url.user = base.user;
    }
    url.path = unescape(&path)?;
    url.raw_path = path;
    Ok(String::from_utf8_lossy(&url.show()).into_owned())
}

/// Go's `resolvePath`: a path from another one, without `.` and `..`.
fn joined(base: &[u8], path: &[u8]) -> Vec<u8> {
    let full = match path.first() {
        None => base.to_vec(),
        Some(b'/') => path.to_vec(),
        Some(_) => {
            let folder = base.iter().rposition(|it| *it == b'/').map_or(0, |it| it + 1);
            [&base[..folder], path].concat()
        }
    };
    if full.is_empty() {
        return full;
    }
    let mut parts: Vec<&[u8]> = Vec::new();
    let rest = full.strip_prefix(b"/").unwrap_or(&full);
    let all: Vec<&[u8]> = rest.split(|it| *it == b'/').collect();
    for (at, part) in all.iter().enumerate() {
        let last = at + 1 == all.len();
        match *part {
            b"." => {}
            b".." => {
                parts.pop();
            }
            other => {
                parts.push(other);
                continue;
            }
        }
        if last {
            parts.push(b"");
        }
    }
    [b"/", parts.join(&b'/').as_slice()].concat()
}

pub(crate) fn parse(text: &[u8]) -> Result<Url, String> {
    let fail = |what: &str| format!("parse {}: {what}", crate::go::quote::quoted(text));
    let (rest, fragment) = match text.iter().position(|it| *it == b'#') {
        Some(at) => (&text[..at], &text[at + 1..]),
        None => (text, &[][..]),
    };
    if rest.iter().any(|it| *it < b' ' || *it == 0x7F) {
        return Err(fail("net/url: invalid control character in URL"));
    }
    let mut url = Url {
        fragment: unescape(fragment).map_err(|it| fail(&it))?,
        ..Url::default()
    };
    if rest == b"*" {
        url.path = b"*".to_vec();
        return Ok(url);
    }
    let (scheme, mut rest) = split_scheme(rest).map_err(|it| fail(&it))?;
    url.scheme = scheme.to_ascii_lowercase();
    if rest.ends_with(b"?") && memchr::memchr(b'?', rest) == Some(rest.len() - 1) {
        url.force_query = true;
        rest = &rest[..rest.len() - 1];
    } else if let Some(at) = rest.iter().position(|it| *it == b'?') {
        url.query = rest[at + 1..].to_vec();
        rest = &rest[..at];
    }
    if !rest.starts_with(b"/") {
        if !url.scheme.is_empty() {
            url.opaque = rest.to_vec();
            return Ok(url);
        }
        let segment = rest.split(|it| *it == b'/').next().unwrap_or(rest);
        if segment.contains(&b':') {
            return Err(fail("first path segment in URL cannot contain colon"));
        }
    }
    if rest.starts_with(b"//") && (!url.scheme.is_empty() || !rest.starts_with(b"///")) {
        let authority = &rest[2..];
        let end = authority
            .iter()
            .position(|it| *it == b'/')
            .unwrap_or(authority.len());
        set_authority(&mut url, &authority[..end]).map_err(|it| fail(&it))?;
        rest = &authority[end..];
    }
    url.path = unescape(rest).map_err(|it| fail(&it))?;
    if escape(&url.path, Mode::Path) != rest {
        url.raw_path = rest.to_vec();
    }
    Ok(url)
}

fn split_scheme(text: &[u8]) -> Result<(&[u8], &[u8]), String> {
    for (at, byte) in text.iter().enumerate() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' => {}
            b'0'..=b'9' | b'+' | b'-' | b'.' if at > 0 => {}
            b':' if at == 0 => return Err("missing protocol scheme".to_owned()),
            b':' => return Ok((&text[..at], &text[at + 1..])),
            _ => break,
        }
    }
    Ok((&[], text))
}

fn set_authority(url: &mut Url, authority: &[u8]) -> Result<(), String> {
    let host = match authority.iter().rposition(|it| *it == b'@') {
        Some(at) => {
            let user = &authority[..at];
            let (name, password) = match user.iter().position(|it| *it == b':') {
                Some(at) => (&user[..at], Some(unescape(&user[at + 1..])?)),
                None => (user, None),
            };
            url.user = Some(User {
                name: unescape(name)?,
                password,
            });
            &authority[at + 1..]
        }
        None => authority,
    };
    let after_bracket = host
        .iter()
        .rposition(|it| *it == b']')
        .map_or(host, |it| &host[it + 1..]);
    if let Some(at) = after_bracket.iter().rposition(|it| *it == b':')
        && !after_bracket[at + 1..].iter().all(u8::is_ascii_digit)
    {
        let port = crate::go::quote::quoted(&after_bracket[at..]);
        return Err(format!("invalid port {port} after host"));
    }
    if host.contains(&b' ') {
        return Err("invalid character \" \" in host name".to_owned());
    }
    url.host = unescape(host)?;
    Ok(())
}

pub(super) fn unescape(text: &[u8]) -> Result<Vec<u8>, String> {
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while at < text.len() {
        if text[at] == b'%' {
            let digits = text
                .get(at + 1..at + 3)
                .and_then(|it| std::str::from_utf8(it).ok());
            let Some(value) = digits.and_then(|it| u8::from_str_radix(it, 16).ok()) else {
                let shown = crate::go::quote::quoted(&text[at..(at + 3).min(text.len())]);
                return Err(format!("invalid URL escape {shown}"));
            };
            out.push(value);
            at += 3;
        } else {
            out.push(text[at]);
            at += 1;
        }
    }
    Ok(out)
}

pub(super) fn escape(text: &[u8], mode: Mode) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for byte in text {
        if *byte == b' ' && mode == Mode::QueryComponent {
            out.push(b'+');
        } else if keeps(*byte, mode) {
            out.push(*byte);
        } else {
            out.extend_from_slice(format!("%{byte:02X}").as_bytes());
        }
    }
    out
}

fn keeps(byte: u8, mode: Mode) -> bool {
    if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
        return true;
    }
    match mode {
        Mode::Host => matches!(
            byte,
            b'!' | b'$'
                | b'&'
                | b'\''
                | b'('
                | b')'
                | b'*'
                | b'+'
                | b','
                | b';'
                | b'='
                | b':'
                | b'['
                | b']'
                | b'<'
                | b'>'
                | b'"'
        ),
        Mode::Path => matches!(byte, b'$' | b'&' | b'+' | b',' | b'/' | b':' | b';' | b'=' | b'@'),
        Mode::PathSegment => matches!(byte, b'$' | b'&' | b'+' | b':' | b'=' | b'@'),
        Mode::UserPassword => matches!(byte, b'$' | b'&' | b'+' | b',' | b';' | b'='),
        Mode::QueryComponent => false,
        Mode::Fragment => matches!(
            byte,
            b'$' | b'&' | b'+' | b',' | b'/' | b':' | b';' | b'=' | b'?' | b'@' | b'!' | b'(' | b')' | b'*'
        ),
    }
}
