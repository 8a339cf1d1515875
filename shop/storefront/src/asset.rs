//! Style and modules: named by their content, compressed once at the start, kept by browsers for ever.
//!
//! While two versions are live, a page of one may ask the other for a file. That one answers with its own content of the
//! same name, and says that it may not be kept: a page without style would be worse, and the name stays true.

use std::collections::HashMap;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};
use packing::{Coding, Effort};
use sha2::{Digest as _, Sha256};

use crate::App;
use crate::failure::Failure;

/// Name, type, content. A module comes after those that it imports, whose names in it are replaced.
const FILES: [(&str, &str, &str); 7] = [
    (
        "style.css",
        "text/css; charset=utf-8",
        include_str!("../assets/style.css"),
    ),
    ("icon.svg", "image/svg+xml", include_str!("../assets/icon.svg")),
    ("shop.js", MODULE, include_str!("../assets/shop.js")),
    ("list.js", MODULE, include_str!("../assets/list.js")),
    ("product.js", MODULE, include_str!("../assets/product.js")),
    ("cart.js", MODULE, include_str!("../assets/cart.js")),
    ("checkout.js", MODULE, include_str!("../assets/checkout.js")),
];
const MODULE: &str = "text/javascript; charset=utf-8";

/// Hexadecimal digits of a name's hash.
const HASH_DIGITS: usize = 12;
pub(crate) const FOR_EVER: &str = "public, max-age=31536000, immutable";

/// All files.
pub(crate) struct Assets {
    files: HashMap<&'static str, File>,
}

struct File {
    hash: String,
    kind: &'static str,
    plain: Bytes,
    gzip: Bytes,
    brotli: Bytes,
}

impl Assets {
    /// Names and compresses.
    pub(crate) fn pack() -> Self {
        let mut files: HashMap<&'static str, File> = HashMap::new();
        for (name, kind, content) in FILES {
            let mut content = content.to_owned();
            for (other, file) in &files {
                let (from, to) = (
                    format!("\"./{other}\""),
                    format!("\"./{}\"", hashed(other, &file.hash)),
                );
                content = content.replace(&from, &to);
            }
            files.insert(name, File::pack(kind, content));
        }
        Self { files }
    }

    /// The path of a file, with its hash.
    pub(crate) fn path(&self, name: &str) -> String {
        match self.files.get(name) {
            Some(file) => format!("/assets/{}", hashed(name, &file.hash)),
            None => format!("/assets/{name}"),
        }
    }
}

impl File {
    fn pack(kind: &'static str, content: String) -> Self {
        let mut hash = hex::encode(Sha256::digest(content.as_bytes()));
        hash.truncate(HASH_DIGITS);
        Self {
            hash,
            kind,
            gzip: Coding::Gzip.pack(content.as_bytes(), Effort::Once).into(),
            brotli: Coding::Brotli.pack(content.as_bytes(), Effort::Once).into(),
            plain: content.into(),
        }
    }

    fn answer(&self, asked: &HeaderMap, kept: &'static str) -> Response {
        let coding = coding(asked);
        let body = match coding {
            Some(Coding::Brotli) => &self.brotli,
            Some(Coding::Gzip) => &self.gzip,
            None => &self.plain,
        };
        let mut response = body.clone().into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.kind));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(kept));
        headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
        if let Some(coding) = coding {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding.name()));
        }
        response
    }
}

/// `/assets/{name}.{hash}.{ending}`
pub(crate) async fn serve(
    State(app): State<App>,
    Path(asked): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let (name, hash) = split(&asked).ok_or(Failure::NotFound("file"))?;
    let file = app
        .assets
        .files
        .get(name.as_str())
        .ok_or(Failure::NotFound("file"))?;
    let kept = if hash == file.hash { FOR_EVER } else { "no-store" };
    Ok(file.answer(&headers, kept))
}

/// `/favicon.ico`, for those who do not read the page's head.
pub(crate) async fn icon(State(app): State<App>, headers: HeaderMap) -> Result<Response, Failure> {
    let icon = app
        .assets
        .files
        .get("icon.svg")
        .ok_or(Failure::NotFound("file"))?;
    Ok(icon.answer(&headers, "public, max-age=86400"))
}

/// Carts and accounts are nothing for search engines.
pub(crate) async fn robots() -> &'static str {
    "User-agent: *\nDisallow: /cart\nDisallow: /checkout\nDisallow: /orders\nDisallow: /account\nDisallow: /sign-in\nDisallow: /sign-up\n"
}

fn hashed(name: &str, hash: &str) -> String {
    match name.rsplit_once('.') {
        Some((stem, ending)) => format!("{stem}.{hash}.{ending}"),
        None => format!("{name}.{hash}"),
    }
}

/// `style.0123456789ab.css` is `style.css` and `0123456789ab`.
fn split(asked: &str) -> Option<(String, &str)> {
    let (rest, ending) = asked.rsplit_once('.')?;
    let (stem, hash) = rest.rsplit_once('.')?;
    Some((format!("{stem}.{ending}"), hash))
}

/// The coding that a request takes.
pub(crate) fn coding(asked: &HeaderMap) -> Option<Coding> {
    Coding::of(asked.get(header::ACCEPT_ENCODING)?.to_str().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_import_each_other_by_the_names_of_this_version() {
        let assets = Assets::pack();
        let product = std::str::from_utf8(&assets.files["product.js"].plain).unwrap();
        let shop = assets.path("shop.js");
        let name = shop.strip_prefix("/assets/").unwrap();
        assert!(product.contains(&format!("\"./{name}\"")), "{product}");
        assert!(!product.contains("./shop.js"));
    }

    #[test]
    fn a_first_page_is_small() {
        let assets = Assets::pack();
        let style = &assets.files["style.css"];
        assert!(style.brotli.len() < style.gzip.len() && style.gzip.len() < style.plain.len() / 2);
        // What it needs beside its pictures.
        let scripts: usize = ["shop.js", "product.js"]
            .map(|name| assets.files[name].brotli.len())
            .iter()
            .sum();
        assert!(style.brotli.len() < 8 * 1024 && scripts < 12 * 1024);
    }
}
