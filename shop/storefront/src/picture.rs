//! Pictures of products, drawn from what a product is called and made of. Nothing is stored: the address says it all.
//!
//! `/pictures/<revision>/<thing>.<material>.<colour>.svg`; the revision is a hash of the drawings, so that an address
//! always shows the same picture and can be kept for ever.

use std::collections::HashMap;
use std::sync::LazyLock;

use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, header};
use sha2::{Digest as _, Sha256};

use crate::asset::FOR_EVER;
use crate::backend::{Line, Product};
use crate::failure::Failure;

const SHAPES: &str = include_str!("../assets/shapes.txt");
/// Drawn for a thing that has no drawing.
const UNKNOWN: &str = "parcel";
/// Longest word of an address.
const WORD_MAX: usize = 40;

static DRAWINGS: LazyLock<HashMap<&'static str, Drawing>> = LazyLock::new(read);
static REVISION: LazyLock<String> = LazyLock::new(|| {
    let mut hash = Sha256::new();
    hash.update(SHAPES);
    hash.update(include_str!("picture.rs"));
    let mut text = hex::encode(hash.finalize());
    text.truncate(10);
    text
});

#[derive(Debug, Clone, Copy)]
struct Drawing {
    inside: &'static str,
    stands: bool,
}

/// The address of a product's picture.
pub(crate) fn path(product: &Product) -> String {
    // `Nordic Cutting Board` is a cutting board.
    let thing = product.name.split_once(' ').map_or("", |(_, thing)| thing);
    address(thing, product.fact("Material"), product.fact("Colour"))
}

/// The address for a line of a cart or an order: as its product looks, or by its name alone if that is not known.
pub(crate) fn path_of_line(line: &Line, known: &[Product]) -> String {
    if let Some(product) = known.iter().find(|product| product.sku == line.sku) {
        return path(product);
    }
    let thing = line.name.split_once(' ').map_or("", |(_, thing)| thing);
    address(thing, "", "sand")
}

/// The address of any drawing.
pub(crate) fn address(thing: &str, material: &str, colour: &str) -> String {
    format!(
        "/pictures/{}/{}.{}.{}.svg",
        *REVISION,
        slug(thing),
        slug(material),
        slug(colour)
    )
}

fn slug(text: &str) -> String {
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() {
            c.to_ascii_lowercase()
        } else {
            '-'
        }
    };
    let text: String = text.chars().map(plain).take(WORD_MAX).collect();
    if text.is_empty() { "-".to_owned() } else { text }
}

/// One picture.
pub(crate) async fn serve(Path((revision, file)): Path<(String, String)>) -> Result<Response, Failure> {
    let words: Vec<&str> = file
        .strip_suffix(".svg")
        .map(|rest| rest.split('.').collect())
        .unwrap_or_default();
    let &[thing, material, colour] = words.as_slice() else {
        return Err(Failure::NotFound("picture"));
    };
    if words.iter().any(|word| word.len() > WORD_MAX) {
        return Err(Failure::NotFound("picture"));
    }
    // The other version of the shop may draw it otherwise: shown, but not kept under this address.
    let kept = if revision == *REVISION {
        FOR_EVER
    } else {
        "no-store"
    };
    let mut response = draw(thing, material, colour).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("image/svg+xml"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(kept));
    Ok(response)
}

fn read() -> HashMap<&'static str, Drawing> {
    let mut drawings = HashMap::new();
    for line in SHAPES.lines().filter(|line| !line.starts_with('#')) {
        let Some((names, inside)) = line.split_once(": ") else {
            continue;
        };
        let (names, stands) = match names.strip_prefix('^') {
            Some(names) => (names, false),
            None => (names, true),
        };
        for name in names.split(' ') {
            drawings.insert(name, Drawing { inside, stands });
        }
    }
    drawings
}

fn draw(thing: &str, material: &str, colour: &str) -> String {
    let known = DRAWINGS.get(thing).or_else(|| DRAWINGS.get(UNKNOWN));
    let (inside, stands) = known.map_or(("", false), |drawing| (drawing.inside, drawing.stands));
    let dye = dye(colour);
    let body = substance(material).unwrap_or(dye);
    let accent = if body == dye { against(dye) } else { dye };
    let paint = |colour: Rgb| colour.hex();
    let inside = inside
        .replace("$b", &paint(body))
        .replace("$d", &paint(body.mix(BLACK, 28)))
        .replace("$l", &paint(body.mix(WHITE, 45)))
        .replace("$a", &paint(accent));
    let (wall, floor) = (dye.mix(PAPER, 78), dye.mix(PAPER, 62));
    let shadow = if stands {
        "<ellipse cx=\"200\" cy=\"331\" rx=\"132\" ry=\"13\" fill=\"#000\" opacity=\".12\"/>"
    } else {
        ""
    };
    let ground = if stands {
        format!("<path d=\"M0 296h400v104H0z\" fill=\"{}\"/>", paint(floor))
    } else {
        String::new()
    };
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 400 400\" width=\"400\" height=\"400\">\
         <path d=\"M0 0h400v400H0z\" fill=\"{}\"/>{ground}{shadow}{inside}</svg>",
        paint(wall)
    )
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Rgb(u8, u8, u8);

const BLACK: Rgb = Rgb(30, 24, 20);
const WHITE: Rgb = Rgb(255, 252, 246);
const PAPER: Rgb = Rgb(246, 242, 234);

impl Rgb {
    /// So many percent of another colour.
    fn mix(self, other: Self, percent: u16) -> Self {
        let one = |a: u8, b: u8| {
            let mixed = (u16::from(a) * (100 - percent) + u16::from(b) * percent) / 100;
            u8::try_from(mixed).unwrap_or(u8::MAX)
        };
        Self(one(self.0, other.0), one(self.1, other.1), one(self.2, other.2))
    }

    fn hex(self) -> String {
        format!("#{:02x}{:02x}{:02x}", self.0, self.1, self.2)
    }
}

fn dye(colour: &str) -> Rgb {
    match colour {
        "slate" => Rgb(107, 122, 134),
        "moss" => Rgb(125, 138, 92),
        "clay" => Rgb(192, 122, 90),
        "chalk" => Rgb(226, 220, 206),
        "ink" => Rgb(62, 76, 108),
        "rust" => Rgb(168, 81, 47),
        "sky" => Rgb(143, 182, 208),
        // Sand, and whatever is not known.
        _ => Rgb(214, 192, 154),
    }
}

/// Something that can be seen beside a colour.
fn against(colour: Rgb) -> Rgb {
    let bright = u16::from(colour.0) + u16::from(colour.1) + u16::from(colour.2) > 480;
    if bright {
        Rgb(168, 92, 58)
    } else {
        Rgb(236, 208, 150)
    }
}

/// The colour of materials that are not dyed.
fn substance(material: &str) -> Option<Rgb> {
    Some(match material {
        "oak" | "larch" | "bamboo" | "birch" | "basswood" => Rgb(201, 162, 110),
        "beech" | "maple" | "ash" | "pine" => Rgb(219, 184, 138),
        "walnut" | "teak" | "cedar" => Rgb(122, 84, 58),
        "willow" | "jute" | "hemp" | "loofah" => Rgb(196, 170, 122),
        "steel" | "aluminium" | "zinc" | "silver-plate" => Rgb(166, 176, 182),
        "iron" => Rgb(74, 78, 84),
        "brass" => Rgb(201, 165, 84),
        "copper" => Rgb(190, 116, 80),
        "terracotta" => Rgb(196, 110, 76),
        "glass" | "opal-glass" => Rgb(190, 216, 214),
        "leather" => Rgb(146, 92, 60),
        "card" | "recycled-paper" => Rgb(205, 182, 148),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use service_kit::demo;

    use super::*;

    #[test]
    fn every_product_of_the_demo_has_its_own_drawing_and_address() {
        for product in demo::products() {
            let thing = slug(product.name.split_once(' ').unwrap().1);
            assert!(DRAWINGS.contains_key(thing.as_str()), "{thing}");
        }
    }

    #[test]
    fn no_token_is_left_in_a_picture() {
        for thing in DRAWINGS.keys() {
            let picture = draw(thing, "brass", "moss");
            assert!(!picture.contains('$'), "{thing}: {picture}");
            assert_eq!(
                picture.matches("<g").count(),
                picture.matches("</g>").count(),
                "{thing}"
            );
        }
    }

    #[test]
    fn words_from_outside_stay_out_of_the_picture() {
        let picture = draw("\"><script>", "\"><script>", "\"><script>");
        assert!(!picture.contains("script"));
        assert_eq!(slug("Cutting Board"), "cutting-board");
    }
}
