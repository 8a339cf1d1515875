//! The front page: what the shop is, its parts, and what is new.

use axum::extract::State;
use axum::response::Response;
use maud::html;

use crate::App;
use crate::failure::Failure;
use crate::page::{Frame, grid, pieces};
use crate::picture;
use crate::visitor::Visitor;

/// What stands for a category.
const SIGNS: [(&str, &str, &str, &str); 12] = [
    ("kitchen", "teapot", "", "clay"),
    ("lighting", "pendant", "brass", "ink"),
    ("textiles", "cushion", "", "moss"),
    ("desk", "desk-mat", "", "slate"),
    ("garden", "watering-can", "zinc", "moss"),
    ("bags", "backpack", "", "rust"),
    ("toys", "train", "", "sky"),
    ("outdoor", "bottle", "", "slate"),
    ("bath", "soap-dish", "", "sky"),
    ("coffee", "grinder", "walnut", "clay"),
    ("storage", "basket", "willow", "sand"),
    ("stationery", "envelopes", "", "rust"),
];

/// `GET /`
pub(crate) async fn show(State(app): State<App>, visitor: Visitor) -> Result<Response, Failure> {
    let (popular, newest, categories, pieces) = tokio::join!(
        app.backend.products("sort=popular&limit=8"),
        app.backend.products("limit=4"),
        app.backend.categories(),
        pieces(&app, &visitor),
    );
    let (popular, newest, categories) = (popular?, newest?, categories?);
    let content = html! {
        section.hero {
            div {
                h1 { "Things you will use every day, for years." }
                p { "Made of wood, wool, steel and clay. Delivery is free, and you have thirty days to change your mind." }
                p { a.button href="/products" { "See all products" } }
            }
            img src=(picture::address("planter", "terracotta", "moss")) alt="" width="400" height="400";
        }
        section aria-labelledby="parts" {
            h2 #parts { "What are you looking for?" }
            ul.tiles {
                @for category in &categories {
                    @let sign = SIGNS.iter().find(|sign| sign.0 == category.slug);
                    @let (thing, material, colour) = sign.map_or(("", "", ""), |sign| (sign.1, sign.2, sign.3));
                    li {
                        a href={ "/products?category=" (category.slug) } {
                            img src=(picture::address(thing, material, colour)) alt="" width="400" height="400" loading="lazy";
                            span { (category.name) }
                        }
                    }
                }
            }
        }
        section aria-labelledby="popular" {
            h2 #popular { "Often bought" }
            (grid(&popular.products))
        }
        section aria-labelledby="newest" {
            h2 #newest { "New here" }
            (grid(&newest.products))
        }
    };
    Ok(Frame::new(&app, &visitor, "").pieces(pieces).respond(&content))
}
