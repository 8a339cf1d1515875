//! sprig's URLs, as Go's `net/url` parses and writes them.

use super::{Function, Param, fixed};
use crate::any::{Any, Map, Str};
use crate::template::failure::Fail;

mod parse;

use parse::{Mode, escape};
pub(crate) use parse::{Url, parse, resolve};

pub(super) static FUNCTIONS: &[Function] = &[
    fixed("urlParse", &[Param::Str], |_, mut args| {
        let url = parse::parse(&args.str()).map_err(|it| format!("unable to parse url: {it}"))?;
        let map = Map::empty();
        map.set("scheme", Any::Str(url.scheme.clone().into()));
        map.set("host", Any::Str(url.host.clone().into()));
        map.set("hostname", Any::Str(url.hostname().into()));
        map.set("path", Any::Str(url.path.clone().into()));
        map.set("query", Any::Str(url.query.clone().into()));
        map.set("opaque", Any::Str(url.opaque.clone().into()));
        map.set("fragment", Any::Str(url.fragment.clone().into()));
        map.set(
            "userinfo",
            Any::Str(
                url.user
                    .as_ref()
                    .map(parse::User::show)
                    .unwrap_or_default()
                    .into(),
            ),
        );
        Ok(Any::Map(map))
    }),
    fixed("urlJoin", &[Param::Map], |_, mut args| {
        let map = args.map();
        let user = part(&map, "userinfo")?;
        let user = if user.is_empty() {
            None
        } else {
            let whole = [b"proto://", &*user, b"@host"].concat();
            parse::parse(&whole)
                .map_err(|it| format!("unable to parse userinfo in dict: {it}"))?
                .user
        };
        let url = Url {
            scheme: part(&map, "scheme")?.to_vec(),
            opaque: part(&map, "opaque")?.to_vec(),
            user,
            host: part(&map, "host")?.to_vec(),
            path: part(&map, "path")?.to_vec(),
            raw_path: Vec::new(),
            query: part(&map, "query")?.to_vec(),
            force_query: false,
            fragment: part(&map, "fragment")?.to_vec(),
        };
        Ok(Any::Str(url.show().into()))
    }),
];

fn part(map: &Map, key: &str) -> Result<Str, Fail> {
    match map.get(key.as_bytes()) {
        None => Ok("".into()),
        Some(Any::Str(it)) => Ok(it),
        Some(other) => {
            let kind = other.kind();
            Err(format!("unable to parse {key} key, must be of type string, but {kind} found").into())
        }
    }
}

/// `url.QueryEscape`.
pub(super) fn query_escape(text: &[u8]) -> Vec<u8> {
    escape(text, Mode::QueryComponent)
}

/// `url.PathUnescape`.
pub(crate) fn path_unescape(text: &[u8]) -> Result<Vec<u8>, String> {
    parse::unescape(text)
}

/// `url.PathEscape`.
pub(crate) fn path_escape(text: &[u8]) -> Vec<u8> {
    escape(text, Mode::PathSegment)
}
