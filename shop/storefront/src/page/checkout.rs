//! The checkout: one page with address and card, sent once however often it is sent.
//!
//! The page carries the idempotency key, so pressing the button again, reloading, or the other version of the shop
//! answering the second time never makes a second order.

use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::{Value, json};
use service_kit::client::Reply;

use crate::App;
use crate::backend::{Address, Cart, Order, Product, Refusal, refusal};
use crate::failure::Failure;
use crate::field::{Complaint, Fields, Input};
use crate::page::{Frame, money, refer, token};
use crate::picture;
use crate::visitor::{Posted, Visitor, random_id};

/// The fields of an address, in all forms.
pub(crate) const ADDRESS: [Input; 4] = [
    Input::text("name", "Name", "name"),
    Input::text("street", "Street and number", "street-address"),
    Input::text("postcode", "Postcode", "postal-code"),
    Input::text("city", "City", "address-level2"),
];
const EMAIL: Input = Input::text("email", "Email", "email")
    .kind("email")
    .hint("For the confirmation of your order.");
const CARD: Input = Input::text("card", "Card number", "cc-number")
    .hint("A demonstration: 4242 4242 4242 4242 pays, 4000 0000 0000 0002 is declined.");
/// Where we deliver.
pub(crate) const COUNTRIES: [(&str, &str); 8] = [
    ("DE", "Germany"),
    ("AT", "Austria"),
    ("BE", "Belgium"),
    ("DK", "Denmark"),
    ("FR", "France"),
    ("IT", "Italy"),
    ("NL", "Netherlands"),
    ("SE", "Sweden"),
];

/// The name of a country that we know.
pub(crate) fn country(code: &str) -> &str {
    let known = COUNTRIES.iter().find(|(known, _)| *known == code);
    known.map_or(code, |(_, name)| name)
}

/// Which known address to fill in.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Chosen {
    address: String,
}

/// `GET /checkout`
pub(crate) async fn show(
    State(app): State<App>,
    visitor: Visitor,
    Query(chosen): Query<Chosen>,
) -> Result<Response, Failure> {
    let known = addresses(&app, &visitor).await?;
    let picked = known
        .iter()
        .find(|address| address.id == chosen.address)
        .or_else(|| known.first());
    let mut typed = Fields::default().with("key", &random_id());
    if let Some(address) = picked {
        typed = typed
            .with("name", &address.name)
            .with("street", &address.street)
            .with("postcode", &address.postcode)
            .with("city", &address.city)
            .with("country", &address.country);
    }
    form(&app, &visitor, &typed, &Complaint::none(), &known).await
}

/// Known addresses; none for guests. Fails when the session is over, because then the order would be a guest's.
async fn addresses(app: &App, visitor: &Visitor) -> Result<Vec<Address>, Failure> {
    if visitor.session.is_none() {
        return Ok(Vec::new());
    }
    match app.backend.addresses(visitor).await.map_err(Failure::from) {
        Err(Failure::SignIn) => Err(Failure::SignIn),
        // Buying goes on without them.
        other => Ok(other.unwrap_or_default()),
    }
}

async fn form(
    app: &App,
    visitor: &Visitor,
    typed: &Fields,
    complaint: &Complaint,
    known: &[Address],
) -> Result<Response, Failure> {
    let cart = app.backend.cart(visitor).await?;
    if cart.lines.is_empty() {
        return Ok(Redirect::to("/cart").into_response());
    }
    let pictured = app.backend.products_of(&cart.lines).await;
    let guest = visitor.session.is_none();
    let content = html! {
        h1 { "Checkout" }
        (complaint.summary())
        @if guest {
            p.calm { "You can buy as a guest, or " a href={ "/sign-in?" (refer("/checkout")) } { "sign in" } " to keep your orders together." }
        }
        div.columns {
            form data-checkout method="post" action="/checkout" {
                (token(app, visitor))
                input type="hidden" name="form" value="1";
                input type="hidden" name="key" value=(typed.get("key"));
                @if guest {
                    fieldset { legend { "You" } (EMAIL.show(typed, complaint)) }
                }
                fieldset {
                    legend { "Where should it go?" }
                    @if known.len() > 1 { (choose(known)) }
                    (address_fields(typed, complaint))
                }
                fieldset {
                    legend { "Payment" }
                    (CARD.show(typed, complaint))
                }
                p { button.strong data-pay { "Pay " (cart.subtotal.as_ref().map(money).unwrap_or_default()) } }
                p.small { "You can cancel until we hand it to the carrier." }
            }
            (summary(&cart, &pictured))
        }
    };
    let frame = Frame::new(app, visitor, "Checkout").module("checkout.js");
    Ok(frame.pieces(cart.pieces).respond(&content))
}

/// The inputs of an address with its country.
pub(crate) fn address_fields(typed: &Fields, complaint: &Complaint) -> Markup {
    let country = typed.get("country");
    html! {
        @for input in ADDRESS { (input.show(typed, complaint)) }
        div.field {
            label for="country" { "Country" }
            select #country name="country" autocomplete="country" {
                @for (code, name) in COUNTRIES {
                    @let chosen = country == code;
                    option value=(code) selected[chosen] { (name) }
                }
            }
        }
    }
}

fn choose(known: &[Address]) -> Markup {
    html! {
        p.chips {
            @for address in known {
                a href={ "/checkout?address=" (address.id) } { (address.name) ", " (address.city) }
                " "
            }
        }
    }
}

fn summary(cart: &Cart, pictured: &[Product]) -> Markup {
    html! {
        section.summary aria-labelledby="sum" {
            h2 #sum { "Your order" }
            ul.mini {
                @for line in &cart.lines {
                    li {
                        img src=(picture::path_of_line(line, pictured)) alt="" width="48" height="48";
                        span { (line.quantity) " × " (line.name) }
                        span.price { (money(&line.sum())) }
                    }
                }
            }
            dl {
                div { dt { "Delivery" } dd { "free" } }
                @if let Some(sum) = &cart.subtotal { div.total { dt { "To pay, with tax" } dd { (money(sum)) } } }
            }
            p { a href="/cart" { "Change the cart" } }
        }
    }
}

/// `POST /checkout`
pub(crate) async fn place(State(app): State<App>, posted: Posted) -> Result<Response, Failure> {
    let Posted { visitor, fields, .. } = posted;
    let fields = fields.or("key", &random_id()).or("country", COUNTRIES[0].0);
    let known = addresses(&app, &visitor).await?;
    if let Some(complaint) = missing(&fields, &visitor) {
        let mut response = form(&app, &visitor, &fields, &complaint, &known).await?;
        *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
        return Ok(response);
    }
    let reply = app
        .backend
        .checkout(&visitor, fields.get("key"), &body(&fields, &visitor))
        .await;
    match outcome(reply.ok().as_ref()) {
        Outcome::Placed(id) => Ok(Redirect::to(&format!("/orders/{id}")).into_response()),
        Outcome::SignIn => Err(Failure::SignIn),
        Outcome::Again {
            status,
            complaint,
            key,
        } => {
            let fields = match key {
                Key::Same => fields,
                Key::New => fields.with("key", &random_id()),
            };
            let mut response = form(&app, &visitor, &fields, &complaint, &known).await?;
            if response.status() == StatusCode::OK {
                *response.status_mut() = status;
            }
            Ok(response)
        }
    }
}

fn body(fields: &Fields, visitor: &Visitor) -> Value {
    let mut body = json!({
        "address": address_of(fields),
        "payment": {"card": fields.get("card")},
    });
    if visitor.session.is_none() {
        body["email"] = fields.get("email").into();
    }
    body
}

/// An address as the services take it.
pub(crate) fn address_of(fields: &Fields) -> Value {
    json!({
        "name": fields.get("name"),
        "street": fields.get("street"),
        "postcode": fields.get("postcode"),
        "city": fields.get("city"),
        "country": fields.get("country"),
    })
}

/// The first field that lacks what it needs. The services check again; this is for the words.
fn missing(fields: &Fields, visitor: &Visitor) -> Option<Complaint> {
    if visitor.session.is_none() && !fields.get("email").contains('@') {
        return Some(Complaint::of("email", "Please give your email address."));
    }
    let empty = ADDRESS.iter().find(|input| fields.get(input.name).is_empty());
    if let Some(input) = empty {
        let text = format!("Please fill in: {}.", input.label.to_lowercase());
        return Some(Complaint::of(input.name, text));
    }
    let digits = fields.get("card").chars().filter(char::is_ascii_digit).count();
    (!(12..=19).contains(&digits))
        .then(|| Complaint::of("card", "Please check the card number: it has 12 to 19 digits."))
}

/// What an answer of the checkout means for the page.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    /// There is an order, paid or still pending.
    Placed(String),
    SignIn,
    /// The form is shown again.
    Again {
        status: StatusCode,
        complaint: Complaint,
        key: Key,
    },
}

/// Whether sending the form again means the same purchase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Key {
    Same,
    New,
}

fn outcome(reply: Option<&Reply>) -> Outcome {
    let again = |status, complaint, key| Outcome::Again {
        status,
        complaint,
        key,
    };
    // Nobody knows whether it arrived: the same key finds out.
    let unknown = || {
        let text = "We could not reach the checkout. Nothing was charged twice: please send it again.";
        again(StatusCode::SERVICE_UNAVAILABLE, Complaint::whole(text), Key::Same)
    };
    let Some(reply) = reply else {
        return unknown();
    };
    if reply.status.is_success() {
        return match reply.json::<Order>() {
            Ok(order) => Outcome::Placed(order.id),
            Err(_) => unknown(),
        };
    }
    let refusal = refusal(reply);
    match (refusal.status.as_u16(), refusal.kind.as_str()) {
        (401, _) => Outcome::SignIn,
        (402, _) => {
            let text = "The bank declined this card. Nothing was charged. Please try another one.";
            again(
                StatusCode::PAYMENT_REQUIRED,
                Complaint::of("card", text),
                Key::New,
            )
        }
        (_, "out-of-stock") => again(StatusCode::CONFLICT, Complaint::whole(short(&refusal)), Key::New),
        (_, "in-progress") => {
            let text =
                "Your order is being worked on. Please send it once more in a moment: it counts only once.";
            again(StatusCode::CONFLICT, Complaint::whole(text), Key::Same)
        }
        (_, "key-reused") => {
            let text = "The form was changed after it had been sent. Please check it and send it again.";
            again(StatusCode::UNPROCESSABLE_ENTITY, Complaint::whole(text), Key::New)
        }
        (500.., _) => unknown(),
        _ => {
            let field = refusal
                .field
                .as_deref()
                .and_then(|field| field.rsplit('.').next());
            let complaint = match field {
                Some(field) => Complaint::of(field, refusal.detail),
                None => Complaint::whole(refusal.detail),
            };
            again(StatusCode::UNPROCESSABLE_ENTITY, complaint, Key::New)
        }
    }
}

fn short(refusal: &Refusal) -> String {
    let one = |short: &Value| {
        let sku = short["sku"].as_str().unwrap_or("one product");
        match short["available"].as_i64().unwrap_or(0) {
            0 => format!("{sku} is sold out"),
            some => format!("of {sku} only {some} are left"),
        }
    };
    let list = refusal.document["short"].as_array();
    let list: Vec<String> = list.into_iter().flatten().map(one).collect();
    format!(
        "Somebody was faster: {}. Please change your cart. Nothing was charged.",
        list.join(", ")
    )
}
