//! Style sheet and scripts, named by their content: a browser keeps them for ever. A name of another version is answered
//! with this version's file and kept by nobody, so that pages work while two versions are live.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use http::{HeaderValue, StatusCode, header};
use sha2::{Digest as _, Sha256};

use crate::App;

const FILES: [(&str, &str, &str); 2] = [
    (
        "shop.css",
        "text/css; charset=utf-8",
        include_str!("../assets/shop.css"),
    ),
    (
        "quantity.js",
        "text/javascript; charset=utf-8",
        include_str!("../assets/quantity.js"),
    ),
];

/// The files.
#[derive(Debug, Clone)]
pub(crate) struct Assets(Arc<Vec<Asset>>);

#[derive(Debug)]
struct Asset {
    name: &'static str,
    hashed: String,
    kind: &'static str,
    text: &'static str,
}

impl Assets {
    pub(crate) fn new() -> Self {
        let asset = |(name, kind, text): (&'static str, &'static str, &'static str)| {
            let hash = hex::encode(Sha256::digest(text.as_bytes()));
            Asset {
                name,
                hashed: format!("{}-{name}", &hash[..12]),
                kind,
                text,
            }
        };
        Self(Arc::new(FILES.map(asset).into()))
    }

    /// Address of a file.
    pub(crate) fn url(&self, name: &str) -> String {
        let found = self.0.iter().find(|asset| asset.name == name);
        found.map_or_else(String::new, |asset| format!("/assets/{}", asset.hashed))
    }
}

pub(crate) async fn show(State(app): State<App>, Path(name): Path<String>) -> Response {
    let plain = name.split_once('-').map_or("", |(_, plain)| plain);
    let Some(asset) = app.assets.0.iter().find(|asset| asset.name == plain) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let keep = if asset.hashed == name {
        "public, max-age=31536000, immutable"
    } else {
        "no-store"
    };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(asset.kind)),
        (header::CACHE_CONTROL, HeaderValue::from_static(keep)),
    ];
    (headers, asset.text).into_response()
}
