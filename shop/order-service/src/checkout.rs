//! `POST /checkout`: the four phases in a row, as far as they have not been done before.

use std::time::{Duration, Instant};

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, Method, StatusCode};
use serde::Deserialize;
use service_kit::auth::{Caller, hmac_hex};
use service_kit::client::Reply;
use service_kit::event::Event;
use service_kit::{Json, Problem};
use uuid::Uuid;

use crate::App;
use crate::address::{Address, check_email};
use crate::claim::{self, Answer, Claim};
use crate::order::{self, Contact, Order};
use crate::payment::{self, Outcome};
use crate::price::{self, Wanted};
use crate::reserve::{self, Reserved};
use crate::settle::{self, Pending};

/// How long the customer waits for the cart to be emptied; the outbox does it otherwise.
const CART_DEADLINE: Duration = Duration::from_millis(300);

#[derive(Debug, Deserialize)]
pub(crate) struct Wish {
    email: Option<String>,
    address: Address,
    payment: Payment,
    lines: Option<Vec<Wanted>>,
}

#[derive(Debug, Deserialize)]
struct Payment {
    card: String,
}

/// `POST /checkout`
pub(crate) async fn post(
    State(app): State<App>,
    headers: HeaderMap,
    Json(wish): Json<Wish>,
) -> Result<Response, Problem> {
    let began = Instant::now();
    let caller = app.sessions.caller(&headers)?;
    let key = claim::key(&headers)?;
    let contact = contact(&caller, &wish)?;
    payment::check_card(&wish.payment.card)?;
    if let Some(lines) = &wish.lines {
        price::merge(lines)?;
    }
    let tag = tag(&app, &wish, &contact)?;
    // A customer who goes away in the middle does not stop it: what was begun is brought to an end.
    let (owner, key) = (caller.owner(), key.to_owned());
    let numbers = app.numbers.clone();
    let work = async move { run(&app, &owner, &key, &tag, &headers, &wish, &contact).await };
    let result = tokio::spawn(service_kit::within_request(work)).await;
    numbers.duration.observe(began.elapsed());
    result.unwrap_or_else(|cause| Err(Problem::internal(cause)))
}

async fn run(
    app: &App,
    owner: &str,
    key: &str,
    tag: &str,
    headers: &HeaderMap,
    wish: &Wish,
    contact: &Contact,
) -> Result<Response, Problem> {
    let begun = match claim::claim(app, owner, key, tag).await? {
        Claim::Answered(answer) => return Ok(answer.into_response()),
        Claim::Ours(begun) => begun,
    };
    app.faults.crash_after("claimed");
    let order = match begun {
        Some(id) => again(app, id).await?,
        None => match first(app, owner, key, headers, wish, contact).await {
            Ok(Reserved::Order(order)) => *order,
            Ok(Reserved::Short(answer)) => return Ok(answer.into_response()),
            Err(problem) => {
                // Nothing has happened with this key: it may be sent again, also with another body.
                claim::forget(app, owner, key).await?;
                return Err(problem);
            }
        },
    };
    app.faults.crash_after("reserved");
    let outcome = match begun {
        // An earlier try may have charged already: the provider is asked before anything is tried again.
        Some(id) => match payment::ask(app, id).await {
            Outcome::Nothing => payment::charge(app, &order, &wish.payment.card).await,
            known @ (Outcome::Charged { .. } | Outcome::Declined(_) | Outcome::Unknown) => known,
        },
        None => payment::charge(app, &order, &wish.payment.card).await,
    };
    app.faults.crash_after("charged");
    let answer = end(app, owner, key, order, outcome).await?;
    app.faults.crash_after("settled");
    Ok(answer.into_response())
}

async fn first(
    app: &App,
    owner: &str,
    key: &str,
    headers: &HeaderMap,
    wish: &Wish,
    contact: &Contact,
) -> Result<Reserved, Problem> {
    let (wanted, from_cart) = match &wish.lines {
        Some(lines) => (price::merge(lines)?, false),
        None => (price::merge(&price::of_cart(app, headers).await?)?, true),
    };
    let priced = price::price(app, wanted).await?;
    reserve::reserve(app, owner, key, priced, contact, from_cart).await
}

async fn again(app: &App, id: Uuid) -> Result<Order, Problem> {
    let mut reading = app.store.read().acquire().await?;
    order::find(&mut reading, id)
        .await?
        .ok_or_else(|| Problem::internal("a claimed order is gone"))
}

/// Settles by what the provider said.
async fn end(app: &App, owner: &str, key: &str, order: Order, outcome: Outcome) -> Result<Answer, Problem> {
    let settled = match outcome {
        Outcome::Charged { charge, amount } => {
            settle::paid(app, Pending::Whole(Box::new(order)), &charge, &amount).await?
        }
        Outcome::Declined(reason) => {
            tracing::info!(order = %order.id, reason, "payment declined");
            let detail = "The payment was declined. Nothing was charged; please try another card.";
            settle::unpaid(app, order.id, "failed", detail).await?
        }
        Outcome::Nothing | Outcome::Unknown => {
            claim::release(app, owner, key).await?;
            return Ok(Answer {
                status: StatusCode::ACCEPTED,
                body: order.document(),
            });
        }
    };
    if let Some(event) = settled.event.filter(|event| event.order.from_cart) {
        empty_cart(app, &event).await;
    }
    if let Some(answer) = settled.answer {
        return Ok(answer);
    }
    // Somebody else has settled it, and maybe differently: what is stored counts, for all who ask.
    match claim::claimed_answer(app, owner, key).await? {
        Some(answer) => Ok(answer),
        None => Ok(Answer {
            status: StatusCode::ACCEPTED,
            body: settled.order.document(),
        }),
    }
}

async fn empty_cart(app: &App, event: &Event) {
    let call = app
        .cart
        .call(Method::POST, "/internal/events")
        .json(event)
        .deadline(CART_DEADLINE);
    match call.send().await.and_then(Reply::success) {
        Ok(_) => app.emptied.note(event.id),
        Err(error) => {
            tracing::info!(%error, order = %event.order.id, "the cart will be emptied a little later");
        }
    }
}

fn contact(caller: &Caller, wish: &Wish) -> Result<Contact, Problem> {
    wish.address.check()?;
    let email = wish.email.clone().unwrap_or_default();
    match caller {
        Caller::Customer(_) if email.is_empty() => {}
        Caller::Guest(_) if email.is_empty() => {
            return Err(Problem::invalid(
                "email",
                "Guests must say where the confirmation goes.",
            ));
        }
        Caller::Customer(_) | Caller::Guest(_) => check_email(&email)?,
    }
    Ok(Contact {
        email,
        address: wish.address.clone(),
    })
}

/// A mark of the body, by which another body under the same key is noticed. Keyed, because it covers the card's number.
fn tag(app: &App, wish: &Wish, contact: &Contact) -> Result<String, Problem> {
    let lines = wish.lines.as_ref().map(|lines| {
        lines
            .iter()
            .map(|line| (line.sku.as_str(), line.quantity))
            .collect::<Vec<_>>()
    });
    let text = serde_json::to_vec(&(&contact.email, &contact.address, &wish.payment.card, lines));
    hmac_hex(&app.secret, &text.map_err(Problem::internal)?)
}
