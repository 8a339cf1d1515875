//! Phase four: pieces gone and order paid, or pieces back and order failed; final answer and event, in one transaction.
//!
//! Whoever comes first settles: the checkout itself, the provider's notification, or recovery. The others find it done.

use http::StatusCode;
use serde_json::json;
use service_kit::clock::now_ms;
use service_kit::event::{Event, OrderFacts, Pieces, SCHEMA};
use service_kit::store::Connection;
use service_kit::{Money, Problem};
use uuid::Uuid;

use crate::App;
use crate::claim::{self, Answer};
use crate::order::{self, Line, Order};

/// How an order ended.
#[derive(Debug)]
pub(crate) struct Settled {
    pub(crate) order: Order,
    /// The event that goes to others, when this call made it.
    pub(crate) event: Option<Event>,
    /// The final answer of its key, when this call stored it.
    pub(crate) answer: Option<Answer>,
}

/// What is known of the order that is to be settled.
#[derive(Debug)]
pub(crate) enum Pending {
    /// Everything, by the one who has just reserved it: nothing of it changes but status and charge.
    Whole(Box<Order>),
    /// Its id.
    Id(Uuid),
}

impl Pending {
    fn id(&self) -> Uuid {
        match self {
            Self::Whole(order) => order.id,
            Self::Id(id) => *id,
        }
    }
}

/// The provider has charged. An order that is no longer waiting for it gets its money back.
pub(crate) async fn paid(
    app: &App,
    pending: Pending,
    charge: &str,
    amount: &Money,
) -> Result<Settled, Problem> {
    let id = pending.id();
    let mut writing = app.store.begin().await?;
    // Whoever changes the status first goes on; the row is locked for the others from here on.
    let ours: Option<String> = sqlx::query_scalar(
        "update orders set status = 'paid', charge = $1 \
         where id = $2 and status = 'pending' and total = $3 and currency = $4 returning key",
    )
    .bind(charge)
    .bind(id.to_string())
    .bind(amount.minor)
    .bind(&amount.currency)
    .fetch_optional(&mut *writing)
    .await?;
    let Some(key) = ours else {
        let order = find(&mut writing, id).await?;
        if order.charge.as_deref() != Some(charge) {
            tracing::warn!(order = %id, status = order.status, "a charge that nobody waits for is given back");
            give_back(&mut writing, id, charge).await?;
            app.store.commit(writing).await?;
        }
        return Ok(Settled::before(order));
    };
    let order = match pending {
        Pending::Whole(order) => Order {
            status: "paid".to_owned(),
            charge: Some(charge.to_owned()),
            ..*order
        },
        Pending::Id(id) => find(&mut writing, id).await?,
    };
    for line in in_sku_order(&order) {
        sqlx::query("update stock set on_hand = on_hand - $1, reserved = reserved - $1 where sku = $2")
            .bind(line.quantity)
            .bind(&line.sku)
            .execute(&mut *writing)
            .await?;
    }
    let answer = Answer {
        status: StatusCode::CREATED,
        body: order.document(),
    };
    let first = claim::answer(&mut writing, &order.owner, &key, &answer).await?;
    let event = tell(&mut writing, &order, "order.paid").await?;
    app.store.commit(writing).await?;
    app.numbers.paid.inc();
    app.numbers
        .value_minor
        .add(u64::try_from(order.total).unwrap_or(0));
    Ok(Settled {
        order,
        event: Some(event),
        answer: first.then_some(answer),
    })
}

impl Settled {
    /// By somebody else, earlier.
    fn before(order: Order) -> Self {
        Self {
            order,
            event: None,
            answer: None,
        }
    }
}

/// Nothing was charged: the pieces go back. `status` is `failed` or `cancelled`.
pub(crate) async fn unpaid(
    app: &App,
    id: Uuid,
    status: &'static str,
    detail: &str,
) -> Result<Settled, Problem> {
    let mut writing = app.store.begin().await?;
    let ours: Option<String> = sqlx::query_scalar(
        "update orders set status = $1 where id = $2 and status = 'pending' returning key",
    )
    .bind(status)
    .bind(id.to_string())
    .fetch_optional(&mut *writing)
    .await?;
    let order = find(&mut writing, id).await?;
    let Some(key) = ours else {
        return Ok(Settled::before(order));
    };
    for line in in_sku_order(&order) {
        sqlx::query("update stock set reserved = reserved - $1 where sku = $2")
            .bind(line.quantity)
            .bind(&line.sku)
            .execute(&mut *writing)
            .await?;
    }
    let answer = refusal(&order, detail);
    let first = claim::answer(&mut writing, &order.owner, &key, &answer).await?;
    app.store.commit(writing).await?;
    Ok(Settled {
        answer: first.then_some(answer),
        ..Settled::before(order)
    })
}

/// Rows of stock are changed in one order by all, so that no two can wait for each other.
pub(crate) fn in_sku_order(order: &Order) -> Vec<&Line> {
    let mut lines: Vec<&Line> = order.lines.iter().collect();
    lines.sort_by(|one, other| one.sku.cmp(&other.sku));
    lines
}

/// 402, with the order.
pub(crate) fn refusal(order: &Order, detail: &str) -> Answer {
    let problem = Problem::new(StatusCode::PAYMENT_REQUIRED, "payment-declined", detail);
    Answer::problem(&problem.with("order", order.id.to_string()))
}

/// Money that must go back; the refund itself is sent later, until it is done.
pub(crate) async fn give_back(writing: &mut Connection, id: Uuid, charge: &str) -> Result<(), sqlx::Error> {
    sqlx::query("insert into refund (charge, order_id, due_at) values ($1, $2, $3) on conflict do nothing")
        .bind(charge)
        .bind(id.to_string())
        .bind(now_ms())
        .execute(writing)
        .await?;
    Ok(())
}

/// Writes an event into the outbox.
pub(crate) async fn tell(writing: &mut Connection, order: &Order, kind: &str) -> Result<Event, Problem> {
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
        "insert into outbox (event_id, order_id, kind, body, due_at, cart_has_it) values ($1, $2, $3, $4, $5, $6)",
    )
    .bind(event.id.to_string())
    .bind(order.id.to_string())
    .bind(kind)
    .bind(json!(event).to_string())
    .bind(now_ms())
    .bind(i64::from(cart_is_free))
    .execute(writing)
    .await?;
    Ok(event)
}

async fn find(writing: &mut Connection, id: Uuid) -> Result<Order, Problem> {
    order::find(writing, id)
        .await?
        .ok_or_else(|| Problem::not_found("order"))
}
