//! Phase three: the provider. Its idempotency key is the order's id, so asking again never charges twice.

use std::time::Duration;

use http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::json;
use service_kit::client::Reply;
use service_kit::{Money, Problem};
use uuid::Uuid;

use crate::App;
use crate::order::Order;

/// How long a charge may take; a customer is waiting.
const CHARGE_DEADLINE: Duration = Duration::from_millis(1800);
/// How long the question may take, what became of a charge.
const ASK_DEADLINE: Duration = Duration::from_millis(700);

/// What the provider says of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The money is ours.
    Charged { charge: String, amount: Money },
    /// Nothing was charged, and nothing will be for this order.
    Declined(String),
    /// The provider knows nothing of it (yet).
    Nothing,
    /// It did not answer.
    Unknown,
}

#[derive(Debug, Deserialize)]
struct Authorization {
    id: String,
    status: String,
    amount: Money,
    #[serde(default)]
    reason: String,
}

#[derive(Debug, Deserialize)]
struct Found {
    authorizations: Vec<Authorization>,
}

impl Authorization {
    fn outcome(self) -> Outcome {
        match self.status.as_str() {
            "approved" => Outcome::Charged {
                charge: self.id,
                amount: self.amount,
            },
            "declined" | "refunded" => Outcome::Declined(self.reason),
            // A word that a newer provider uses: it is asked again later.
            _ => Outcome::Unknown,
        }
    }
}

/// Charges an order. A number that no card can have is the caller's mistake, and known before anything happened.
pub(crate) fn check_card(card: &str) -> Result<(), Problem> {
    let digits = card.chars().filter(|c| *c != ' ').count();
    if (12..=19).contains(&digits) && card.chars().all(|c| c == ' ' || c.is_ascii_digit()) {
        return Ok(());
    }
    Err(Problem::invalid(
        "payment.card",
        "A card number has 12 to 19 digits.",
    ))
}

/// Asks the provider to charge, and when it does not answer, what became of it.
pub(crate) async fn charge(app: &App, order: &Order, card: &str) -> Outcome {
    if app.faults.declines_payment() {
        app.numbers.payments.with(&["declined"]).inc();
        return Outcome::Declined("refused by the bank".to_owned());
    }
    let body =
        json!({"reference": order.id, "amount": Money::new(order.total, &order.currency), "card": card});
    let sent = app
        .provider
        .call(Method::POST, "/v1/authorizations")
        .header("idempotency-key", &order.id.to_string())
        .json(&body)
        .repeatable()
        .deadline(CHARGE_DEADLINE)
        .send()
        .await;
    let outcome = match sent {
        Ok(reply) if reply.status == StatusCode::CREATED => {
            reply.json().map_or(Outcome::Unknown, Authorization::outcome)
        }
        Ok(reply) if reply.status == StatusCode::UNPROCESSABLE_ENTITY => {
            Outcome::Declined("refused by the provider".to_owned())
        }
        Ok(_) | Err(_) => ask(app, order.id).await,
    };
    let word = match &outcome {
        Outcome::Charged { .. } => "approved",
        Outcome::Declined(_) => "declined",
        Outcome::Nothing | Outcome::Unknown => "unknown",
    };
    app.numbers.payments.with(&[word]).inc();
    outcome
}

/// What the provider knows of an order. A charge counts before a refusal.
pub(crate) async fn ask(app: &App, order: Uuid) -> Outcome {
    let call = app
        .provider
        .get(format!("/v1/authorizations?reference={order}"))
        .deadline(ASK_DEADLINE);
    let found: Result<Found, _> = call
        .send()
        .await
        .and_then(Reply::success)
        .and_then(|reply| reply.json());
    let Ok(found) = found else { return Outcome::Unknown };
    let mut outcomes: Vec<Outcome> = found
        .authorizations
        .into_iter()
        .map(Authorization::outcome)
        .collect();
    let charged = outcomes
        .iter()
        .position(|outcome| matches!(outcome, Outcome::Charged { .. }));
    match charged.or_else(|| outcomes.len().checked_sub(1)) {
        Some(place) => outcomes.swap_remove(place),
        None => Outcome::Nothing,
    }
}
