//! What goes wrong, as a page: handlers say what it is, one layer at the end dresses it and sets the headers of all pages.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use http::{HeaderName, HeaderValue, StatusCode, header};
use maud::html;
use service_kit::Problem;
use service_kit::client::CallError;

use crate::App;
use crate::backend::Trouble;
use crate::cookie::Transport;
use crate::page::{Frame, refer};
use crate::visitor::Visitor;

/// Why a page cannot be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Failure {
    /// There is no such thing, or it is somebody else's.
    NotFound(&'static str),
    /// The session is over, or there is none.
    SignIn,
    /// A form without our token.
    Forged,
    /// Too many tries.
    Busy,
    /// A part of the shop does not answer.
    Unavailable,
    /// Something else that the customer can read.
    Refused(String),
}

impl Failure {
    fn status(&self) -> StatusCode {
        match self {
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::SignIn => StatusCode::UNAUTHORIZED,
            Self::Forged => StatusCode::FORBIDDEN,
            Self::Busy => StatusCode::TOO_MANY_REQUESTS,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Refused(_) => StatusCode::UNPROCESSABLE_ENTITY,
        }
    }

    fn words(&self) -> (&'static str, String) {
        match self {
            Self::NotFound(what) => (
                "Not here",
                format!("There is no such {what}. It may have been moved or sold out for good."),
            ),
            Self::SignIn => ("Please sign in", "Your session has ended.".to_owned()),
            Self::Forged => (
                "This form has expired",
                "For your safety it was not sent. Go back, reload the page and try again. Cookies must be on."
                    .to_owned(),
            ),
            Self::Busy => (
                "One moment, please",
                "That was a little fast. Wait a moment and try again.".to_owned(),
            ),
            Self::Unavailable => (
                "We will be right back",
                "A part of the shop does not answer at the moment. Nothing was lost: please try again shortly."
                    .to_owned(),
            ),
            Self::Refused(detail) => ("That did not work", detail.clone()),
        }
    }
}

impl From<Trouble> for Failure {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Call(cause) => cause.into(),
            Trouble::Refused(refusal) => match refusal.status {
                StatusCode::NOT_FOUND => Self::NotFound("page"),
                StatusCode::UNAUTHORIZED => Self::SignIn,
                StatusCode::TOO_MANY_REQUESTS => Self::Busy,
                status if status.is_server_error() => Self::Unavailable,
                _ => Self::Refused(refusal.detail),
            },
        }
    }
}

impl From<CallError> for Failure {
    fn from(cause: CallError) -> Self {
        tracing::warn!(request_id = service_kit::request_id(), %cause, "a page lacks an answer");
        Self::Unavailable
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self::Refused(problem.detail)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// Whatever has no route.
pub(crate) async fn unknown_page() -> Failure {
    Failure::NotFound("page")
}

/// Around every page: failures get a face, and everything its headers.
pub(crate) async fn dress(
    State(app): State<App>,
    visitor: Visitor,
    request: Request,
    next: Next,
) -> Response {
    let transport = Transport::of(request.headers());
    let coding = crate::asset::coding(request.headers());
    let mut response = next.run(request).await;
    if let Some(failure) = response.extensions_mut().remove::<Failure>() {
        response = show(&app, &visitor, &failure);
    }
    protect(&mut response, transport);
    crate::packed::pack(response, coding).await
}

fn show(app: &App, visitor: &Visitor, failure: &Failure) -> Response {
    if *failure == Failure::SignIn {
        let target = format!("/sign-in?{}", refer(&visitor.here));
        let mut response = Redirect::to(&target).into_response();
        visitor.forget_session(&mut response);
        return response;
    }
    let (title, text) = failure.words();
    let content = html! {
        section.narrow.calm {
            h1 { (title) }
            p { (text) }
            p { a.button href="/" { "To the shop" } }
        }
    };
    let mut response = Frame::new(app, visitor, title).respond(&content);
    *response.status_mut() = failure.status();
    if *failure == Failure::Unavailable {
        let seconds = HeaderValue::from_static("2");
        response.headers_mut().insert(header::RETRY_AFTER, seconds);
    }
    response
}

/// No inline script or style, nothing from elsewhere, no framing.
const CONTENT_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
     connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

fn protect(response: &mut Response, transport: Transport) {
    let headers = response.headers_mut();
    let fixed = [
        ("content-security-policy", CONTENT_POLICY),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "same-origin"),
        ("cross-origin-opener-policy", "same-origin"),
        ("permissions-policy", "camera=(), microphone=(), geolocation=()"),
    ];
    for (name, value) in fixed {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    if transport == Transport::Secure {
        headers.insert(
            header::STRICT_TRANSPORT_SECURITY,
            HeaderValue::from_static("max-age=31536000; includeSubDomains"),
        );
    }
    if !headers.contains_key(header::CACHE_CONTROL) {
        // Pages show carts and names.
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
}
