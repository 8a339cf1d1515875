//! Pictures of products: drawn from the SKU, the same for everybody and for ever.

use axum::extract::Path;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderValue, header};
use sha2::{Digest as _, Sha256};

pub(crate) async fn show(Path(sku): Path<String>) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("image/svg+xml")),
        (
            header::CACHE_CONTROL,
            HeaderValue::from_static("public, max-age=86400"),
        ),
    ];
    (headers, draw(sku.trim_end_matches(".svg"))).into_response()
}

/// A still life of three shapes whose places, sizes and colours come from the SKU.
fn draw(sku: &str) -> String {
    let seed = Sha256::digest(sku.as_bytes());
    let at = |place: usize| u32::from(seed[place]);
    let hue = at(0) * 360 / 256;
    let mut shapes = String::new();
    for shape in 0..3_usize {
        let (x, y) = (60 + at(1 + shape) * 200 / 256, 60 + at(4 + shape) * 120 / 256);
        let size = 40 + at(7 + shape) * 60 / 256;
        let color = format!(
            "hsl({} 55% {}%)",
            (hue + 40 * at(10 + shape) / 64) % 360,
            45 + at(13 + shape) / 10
        );
        let drawn = match at(16 + shape) % 3 {
            0 => format!("<circle cx='{x}' cy='{y}' r='{}' fill='{color}'/>", size / 2 + 10),
            1 => {
                let (left, top, round) = (x - size / 2, y - size / 2, size / 6);
                format!(
                    "<rect x='{left}' y='{top}' width='{size}' height='{size}' rx='{round}' fill='{color}'/>"
                )
            }
            _ => {
                let (top, base) = (y.saturating_sub(size / 2), size * 2);
                format!("<path d='M{x} {top} l{size} {size} h-{base} z' fill='{color}'/>")
            }
        };
        shapes.push_str(&drawn);
    }
    format!(
        "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 320 240'><rect width='320' height='240' fill='hsl({hue} 40% 92%)'/><ellipse cx='160' cy='214' rx='120' ry='12' fill='hsl({hue} 30% 82%)'/>{shapes}</svg>"
    )
}
