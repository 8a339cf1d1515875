//! The pages of the shop: rendered here, complete without JavaScript. It keeps no data; carts, orders and accounts are the
//! other services' business, asked in the customer's name.

mod account;
mod asset;
mod backend;
mod basket;
mod checkout;
mod failure;
mod list;
mod order;
mod page;
mod picture;
mod product;
mod visitor;

use axum::routing::{get, post};
use service_kit::{Definition, Environment, Kit, Parts, StartError};

use crate::asset::Assets;
use crate::backend::Backend;
use crate::visitor::Guard;

/// The service.
pub struct Storefront;

/// What every page needs. A clone is the same thing.
#[derive(Clone)]
pub(crate) struct App {
    pub(crate) backend: Backend,
    pub(crate) guard: Guard,
    pub(crate) assets: Assets,
    pub(crate) version: String,
}

impl Definition for Storefront {
    const NAME: &'static str = "storefront";
    const PORT: u16 = 3005;

    async fn build(kit: Kit) -> Result<Parts, StartError> {
        let secure = kit.settings().switch("SECURE_COOKIES", "off")?;
        let app = App {
            backend: Backend::of(&kit)?,
            guard: Guard::new(kit.settings().secret("CSRF_SECRET")?.expose(), secure),
            assets: Assets::new(),
            version: kit.version().to_owned(),
        };
        if kit.environment() == Environment::Production && !secure {
            tracing::info!("cookies are sent over plain HTTP too; SECURE_COOKIES=on where there is TLS");
        }
        let public = kit
            .router()
            .route("/", get(list::show))
            .route("/products/{sku}", get(product::show))
            .route("/cart", get(basket::show).post(basket::change))
            .route("/checkout", get(checkout::show).post(checkout::submit))
            .route("/orders/{id}", get(order::show))
            .route("/account", get(account::show))
            .route("/login", get(account::login).post(account::log_in))
            .route("/signup", get(account::signup).post(account::sign_up))
            .route("/logout", post(account::log_out))
            .route("/pictures/{sku}", get(picture::show))
            .route("/assets/{name}", get(asset::show))
            .with_state(app);
        Ok(Parts::of(public))
    }
}
