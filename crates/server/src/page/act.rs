//! The page's buttons: forms that become commands.

use axum::Form;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Redirect, Response};
use maud::{Markup, html};
use serde::Deserialize;
use windlass_core::machine::event::Wish;

use super::Reader;
use crate::Context;
use crate::handle::{Command, Handle, Refusal};
use crate::session;

/// What a button sends.
#[derive(Debug, Deserialize)]
pub(super) struct Pressed {
    form: String,
    environment: String,
    act: String,
    #[serde(default)]
    comment: String,
    /// A plan's digest, a release or a checklist item, as the act needs it.
    #[serde(default)]
    of: String,
}

/// Takes a button, unless it was pressed by another site's page.
pub(super) async fn act<H: Handle>(
    State(context): State<Context<H>>,
    headers: HeaderMap,
    Form(pressed): Form<Pressed>,
) -> Response {
    let Some(actor) =
        session::who(&headers, &context.token).filter(|_| context.token.fits_form(&pressed.form))
    else {
        return refused(&Refusal {
            status: 403,
            detail: "you are not signed in, or the page is from before".to_owned(),
            hint: "go back, reload the page and sign in".to_owned(),
        });
    };
    let Some(wish) = wish(&pressed.act, pressed.of) else {
        return refused(&Refusal {
            status: 400,
            detail: format!("there is no button {}", pressed.act),
            hint: "go back and reload the page".to_owned(),
        });
    };
    let command = Command {
        environment: pressed.environment,
        actor,
        comment: pressed.comment,
        wish,
    };
    match context.handle.submit(command).await {
        Ok(_) => Redirect::to("/?done=asked").into_response(),
        Err(refusal) => refused(&refusal),
    }
}

fn wish(act: &str, of: String) -> Option<Wish> {
    Some(match act {
        "approve" => Wish::Approve {
            plan: of,
            break_glass: false,
        },
        "reject" => Wish::Reject { plan: of },
        "promote" => Wish::Promote {
            release: Some(of).filter(|of| !of.is_empty()),
        },
        "rollback" => Wish::Rollback { to: None },
        "hold" => Wish::Hold { release: of },
        "clear-hold" => Wish::ClearHold { release: of },
        "pause" => Wish::Pause,
        "resume" => Wish::Resume,
        "abort" => Wish::Abort,
        "retry" => Wish::Retry,
        "attest" => Wish::Attest { item: of },
        _ => return None,
    })
}

fn refused(refusal: &Refusal) -> Response {
    let code = StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::CONFLICT);
    let page = html! {
        (maud::DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { "Not done · Windlass" }
                link rel="stylesheet" href="/assets/page.css";
                link rel="icon" href="data:,";
            }
            body.login {
                main {
                    h1 { "Not done" }
                    p.warning role="alert" { (refusal.detail) }
                    p { (refusal.hint) }
                    p { a href="/" { "Back to the page" } }
                }
            }
        }
    };
    (code, page).into_response()
}

/// A button with its form.
pub(super) fn button(reader: &Reader, environment: &str, act: &str, of: &str, label: &str) -> Markup {
    html! {
        form.act method="post" action="/act" {
            (hidden(reader, environment, act, of))
            button type="submit" data-act=(act) title=(typed(environment, act, of)) { (label) }
        }
    }
}

/// A button that asks for a comment first.
pub(super) fn with_comment(
    reader: &Reader,
    environment: &str,
    act: &str,
    of: &str,
    label: &str,
    ask: &str,
) -> Markup {
    html! {
        form.act.comment method="post" action="/act" {
            (hidden(reader, environment, act, of))
            label { (ask) input #(format!("comment-{environment}-{act}-{of}")) name="comment" maxlength="500" autocomplete="off"; }
            button type="submit" data-act=(act) title=(typed(environment, act, of)) { (label) }
        }
    }
}

fn hidden(reader: &Reader, environment: &str, act: &str, of: &str) -> Markup {
    html! {
        input type="hidden" name="form" value=(reader.form);
        input type="hidden" name="environment" value=(environment);
        input type="hidden" name="act" value=(act);
        input type="hidden" name="of" value=(of);
    }
}

/// The same on the command line.
fn typed(environment: &str, act: &str, of: &str) -> String {
    match act {
        "approve" | "reject" => format!("windlass {act} {environment} --plan {of}"),
        "clear-hold" => format!("windlass hold --clear {environment} {of}"),
        _ if of.is_empty() => format!("windlass {act} {environment}"),
        _ => format!("windlass {act} {environment} {of}"),
    }
}
