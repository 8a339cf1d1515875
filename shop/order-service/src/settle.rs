//! Phase four: pieces gone and order paid, or pieces back and order failed; final answer and event, in one transaction.
//!
//! Whoever comes first settles: the checkout itself, the provider's notification, or recovery. The others find it done.

use http::StatusCode;
use serde_json::json;
use service_kit::clock::now_ms;
use service_kit::event::{Event, OrderFacts, Pieces, SCHEMA};
use service_kit::{Money, Problem};
use sqlx::SqliteConnection;
use uuid::Uuid;

use crate::App;
use crate::claim::{self, Answer};
use crate::order::{self, Order};

/// How an order ended.
#[derive(Debug)]
pub(crate) struct Settled {
    pub(crate) order: Order,
    /// The event that goes to others, when this call made it.
    pub(crate) event: Option<Event>,
}

/// The provider has charged. An order that is no longer waiting for it gets its money back.
pub(crate) async fn paid(app: &App, id: Uuid, charge: &str, amount: &Money) -> Result<Settled, Problem> {
    let mut writing = app.store.begin().await?;
    let mut order = find(&mut writing, id).await?;
    let fits = amount.minor == order.total && amount.currency == order.currency;
    if order.status != "pending" || !fits {
        if order.charge.as_deref() != Some(charge) {
            tracing::warn!(order = %id, status = order.status, fits, "a charge that nobody waits for is given back");
            give_back(&mut writing, id, charge).await?;
            app.store.commit(writing).await?;
        }
        return Ok(Settled { order, event: None });
    }
    for line in &order.lines {
        sqlx::query("update stock set on_hand = on_hand - ?1, reserved = reserved - ?1 where sku = ?2")
            .bind(line.quantity)
            .bind(&line.sku)
            .execute(&mut *writing)
            .await?;
    }
    "paid".clone_into(&mut order.status);
    order.charge = Some(charge.to_owned());
    sqlx::query("update orders set status = 'paid', charge = ? where id = ?")
        .bind(charge)
        .bind(id.to_string())
        .execute(&mut *writing)
        .await?;
    let answer = Answer {
        status: StatusCode::CREATED,
        body: order.document(),
    };
    answer_key(&mut writing, &order, &answer).await?;
    let event = tell(&mut writing, &order, "order.paid").await?;
    app.store.commit(writing).await?;
    app.numbers.paid.inc();
    app.numbers
        .value_minor
        .add(u64::try_from(order.total).unwrap_or(0));
    Ok(Settled {
        order,
        event: Some(event),
    })
}

/// Nothing was charged: the pieces go back. `status` is `failed` or `cancelled`.
pub(crate) async fn unpaid(
    app: &App,
    id: Uuid,
    status: &'static str,
    detail: &str,
) -> Result<Settled, Problem> {
    let mut writing = app.store.begin().await?;
    let mut order = find(&mut writing, id).await?;
    if order.status != "pending" {
        return Ok(Settled { order, event: None });
    }
    for line in &order.lines {
        sqlx::query("update stock set reserved = reserved - ? where sku = ?")
            .bind(line.quantity)
            .bind(&line.sku)
            .execute(&mut *writing)
            .await?;
    }
    status.clone_into(&mut order.status);
    sqlx::query("update orders set status = ? where id = ?")
        .bind(status)
        .bind(id.to_string())
        .execute(&mut *writing)
        .await?;
    answer_key(&mut writing, &order, &refusal(&order, detail)).await?;
    app.store.commit(writing).await?;
    Ok(Settled { order, event: None })
}

/// 402, with the order.
pub(crate) fn refusal(order: &Order, detail: &str) -> Answer {
    let problem = Problem::new(StatusCode::PAYMENT_REQUIRED, "payment-declined", detail);
    Answer::problem(&problem.with("order", order.id.to_string()))
}

/// Money that must go back; the refund itself is sent later, until it is done.
pub(crate) async fn give_back(
    writing: &mut SqliteConnection,
    id: Uuid,
    charge: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query("insert into refund (charge, order_id, due_at) values (?, ?, ?) on conflict do nothing")
        .bind(charge)
        .bind(id.to_string())
        .bind(now_ms())
        .execute(writing)
        .await?;
    Ok(())
}

/// Writes an event into the outbox.
pub(crate) async fn tell(
    writing: &mut SqliteConnection,
    order: &Order,
    kind: &str,
) -> Result<Event, Problem> {
    let lines = order
        .lines
        .iter()
        .map(|line| Pieces {
            sku: line.sku.clone(),
            quantity: line.quantity,
        })
        .collect();
    let event = Event {
        id: Uuid::now_v7(),
        kind: kind.to_owned(),
        schema: SCHEMA,
        at_ms: now_ms(),
        order: OrderFacts {
            id: order.id,
            owner: order.owner.clone(),
            from_cart: order.from_cart,
            lines,
        },
    };
    // Only a cart that was bought has to hear of it.
    let cart_is_free = !order.from_cart || kind != "order.paid";
    sqlx::query(
        "insert into outbox (event_id, order_id, kind, body, due_at, cart_has_it) values (?, ?, ?, ?, ?, ?)",
    )
    .bind(event.id.to_string())
    .bind(order.id.to_string())
    .bind(kind)
    .bind(json!(event).to_string())
    .bind(now_ms())
    .bind(cart_is_free)
    .execute(writing)
    .await?;
    Ok(event)
}

async fn answer_key(
    writing: &mut SqliteConnection,
    order: &Order,
    answer: &Answer,
) -> Result<(), sqlx::Error> {
    let key: Option<String> = sqlx::query_scalar("select key from orders where id = ?")
        .bind(order.id.to_string())
        .fetch_optional(&mut *writing)
        .await?;
    claim::answer(writing, &order.owner, &key.unwrap_or_default(), answer).await
}

async fn find(writing: &mut SqliteConnection, id: Uuid) -> Result<Order, Problem> {
    order::find(writing, id)
        .await?
        .ok_or_else(|| Problem::not_found("order"))
}
