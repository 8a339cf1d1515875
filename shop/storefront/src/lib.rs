//! The shop's pages: rendered here, complete without JavaScript, with small modules that make them quicker where it runs.
//!
//! It keeps no data. Who somebody is stands in two cookies, everything else is asked of the services; so any instance of
//! any version can answer the next request of a customer.

mod asset;
mod backend;
mod cookie;
mod csrf;
mod failure;
mod field;
mod packed;
mod page;
mod picture;
mod shelf;
mod visitor;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use service_kit::{Definition, Kit, Parts, StartError};

use crate::asset::Assets;
use crate::backend::Backend;
use crate::csrf::Csrf;
use crate::page::{account, cart, checkout, front, help, list, order, product, sign};

/// The service.
pub struct Storefront;

/// What every page can reach.
#[derive(Clone)]
struct App {
    inner: Arc<Inner>,
}

struct Inner {
    backend: Backend,
    assets: Assets,
    csrf: Csrf,
    version: String,
}

impl std::ops::Deref for App {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.inner
    }
}

impl Definition for Storefront {
    const NAME: &'static str = "storefront";
    const PORT: u16 = 3005;

    async fn build(kit: Kit) -> Result<Parts, StartError> {
        let inner = Inner {
            backend: Backend::of(&kit)?,
            assets: Assets::pack(),
            csrf: Csrf::new(kit.settings().secret("CSRF_SECRET")?),
            version: kit.version().to_owned(),
        };
        let app = App {
            inner: Arc::new(inner),
        };
        Ok(Parts::of(routes(app)))
    }
}

fn routes(app: App) -> Router {
    let dress = axum::middleware::from_fn_with_state(app.clone(), failure::dress);
    Router::new()
        // Looking around
        .route("/", get(front::show))
        .route("/products", get(list::show))
        .route("/products/{sku}", get(product::show))
        .route("/help", get(help::show))
        // Buying
        .route("/cart", get(cart::show))
        .route("/cart/items", post(cart::add))
        .route("/cart/items/{sku}", post(cart::change))
        .route("/cart/items/{sku}/remove", post(cart::remove))
        .route("/checkout", get(checkout::show).post(checkout::place))
        .route("/orders", get(order::list))
        .route("/orders/{id}", get(order::show))
        .route("/orders/{id}/cancel", post(order::cancel))
        // Accounts
        .route("/sign-in", get(sign::show_in).post(sign::sign_in))
        .route("/sign-up", get(sign::show_up).post(sign::sign_up))
        .route("/sign-out", post(sign::sign_out))
        .route("/account", get(account::show))
        .route("/account/name", post(account::rename))
        .route("/account/password", post(account::change_password))
        .route("/account/addresses", post(account::add_address))
        .route("/account/addresses/{id}/remove", post(account::remove_address))
        // Files
        .route("/assets/{file}", get(asset::serve))
        .route("/pictures/{revision}/{file}", get(picture::serve))
        .route("/favicon.ico", get(asset::icon))
        .route("/robots.txt", get(asset::robots))
        .fallback(failure::unknown_page)
        .layer(dress)
        .with_state(app)
}
