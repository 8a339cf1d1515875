//! Who is looking at a page, from the cookies; and who sent a form, after its token was checked.

use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::response::Response;
use http::request::Parts;
use http::{HeaderMap, header};
use service_kit::client::Call;
use service_kit::{BODY_BYTES_MAX, read_body};

use crate::App;
use crate::cookie::{Cookie, Transport};
use crate::csrf;
use crate::failure::Failure;
use crate::field::Fields;

/// A customer or a guest.
#[derive(Debug)]
pub(crate) struct Visitor {
    pub(crate) session: Option<String>,
    guest: String,
    /// The browser has no id yet; it gets one with the first page that has a form.
    guest_is_new: bool,
    has_form: AtomicBool,
    transport: Transport,
    /// Path and query of the request, for coming back to it.
    pub(crate) here: String,
}

impl Visitor {
    fn of(parts: &Parts) -> Self {
        let headers = &parts.headers;
        let transport = Transport::of(headers);
        let guest = Cookie::Cart.read(headers, transport);
        Self {
            session: Cookie::Session.read(headers, transport),
            guest_is_new: guest.is_none(),
            guest: guest.unwrap_or_else(new_guest),
            has_form: AtomicBool::new(false),
            transport,
            here: parts
                .uri
                .path_and_query()
                .map_or_else(|| "/".to_owned(), ToString::to_string),
        }
    }

    /// Whether there can be a cart at all.
    pub(crate) fn is_known(&self) -> bool {
        self.session.is_some() || !self.guest_is_new
    }

    /// The id that a guest's cart and orders are found by.
    pub(crate) fn guest(&self) -> &str {
        &self.guest
    }

    /// The token for a form on this page.
    pub(crate) fn token(&self, app: &App) -> String {
        self.has_form.store(true, Ordering::Relaxed);
        app.csrf.token(&self.guest)
    }

    /// A call on behalf of this person.
    pub(crate) fn asks(&self, call: Call) -> Call {
        let call = call.header("x-cart-id", &self.guest);
        match &self.session {
            Some(token) => call.header("authorization", &format!("Bearer {token}")),
            None => call,
        }
    }

    /// Sets the guest's id if the page needs it and the browser has none.
    pub(crate) fn introduce(&self, response: &mut Response) {
        if self.guest_is_new && self.has_form.load(Ordering::Relaxed) {
            append(
                response.headers_mut(),
                Cookie::Cart.set(&self.guest, self.transport),
            );
        }
    }

    /// The browser is signed in from now on.
    pub(crate) fn sign_in(&self, response: &mut Response, token: &str) {
        append(response.headers_mut(), Cookie::Session.set(token, self.transport));
    }

    /// Signed out, and a guest that nobody has seen: the next person at this browser sees no cart and no orders of the last.
    pub(crate) fn sign_out(&self, response: &mut Response) {
        let headers = response.headers_mut();
        append(headers, Cookie::Session.clear(self.transport));
        append(headers, Cookie::Cart.set(&new_guest(), self.transport));
    }

    /// The session is over, the rest stays.
    pub(crate) fn forget_session(&self, response: &mut Response) {
        append(response.headers_mut(), Cookie::Session.clear(self.transport));
    }
}

fn append(headers: &mut HeaderMap, cookie: Option<http::HeaderValue>) {
    if let Some(cookie) = cookie {
        headers.append(header::SET_COOKIE, cookie);
    }
}

/// 128 random bits.
fn new_guest() -> String {
    random_id()
}

/// An id that nobody can guess: guests, idempotency keys.
pub(crate) fn random_id() -> String {
    format!("{:032x}", rand::random::<u128>())
}

impl FromRequestParts<App> for Visitor {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _app: &App) -> Result<Self, Infallible> {
        Ok(Self::of(parts))
    }
}

/// A form that came from one of our pages, and who sent it.
#[derive(Debug)]
pub(crate) struct Posted {
    pub(crate) visitor: Visitor,
    pub(crate) fields: Fields,
    /// One of our modules sent it and wants to stay on its page.
    pub(crate) by_script: bool,
}

impl FromRequest<App> for Posted {
    type Rejection = Failure;

    async fn from_request(request: Request, app: &App) -> Result<Self, Failure> {
        let (parts, body) = request.into_parts();
        let visitor = Visitor::of(&parts);
        let text = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
        // Browsers say where a form comes from; those that do not are covered by the token.
        if text("sec-fetch-site").is_some_and(|site| site == "cross-site") {
            return Err(Failure::Forged);
        }
        let form = "application/x-www-form-urlencoded";
        if !text("content-type").is_some_and(|kind| kind.starts_with(form)) {
            return Err(Failure::Refused("The form could not be read.".to_owned()));
        }
        let by_script = text("x-requested-with").is_some_and(|by| by == "module");
        let bytes = read_body(body, BODY_BYTES_MAX).await?;
        let fields = Fields::parse(&bytes);
        if visitor.guest_is_new || !app.csrf.is_of(fields.get(csrf::FIELD), &visitor.guest) {
            return Err(Failure::Forged);
        }
        Ok(Self {
            visitor,
            fields,
            by_script,
        })
    }
}
