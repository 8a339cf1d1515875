//! What can be proved about money and stock, from the rows themselves.

use axum::extract::State;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use service_kit::{Json, Problem, Query};
use sqlx::Row as _;

use crate::App;

/// Most orders of one answer.
const PAGE_MAX: i64 = 1000;
/// Violations of one rule that are listed.
const LISTED_MAX: &str = " limit 100";

/// Each rule: its name, and a query that finds what breaks it (subject, detail).
const RULES: [(&str, &str); 8] = [
    (
        "no-oversell",
        "select sku, 'on hand ' || on_hand || ', reserved ' || reserved from stock \
         where on_hand < 0 or reserved < 0 or reserved > on_hand",
    ),
    (
        "reserved-is-pending",
        "select s.sku, 'reserved ' || s.reserved || ', pending orders hold ' || coalesce(p.pieces, 0) from stock as s \
         left join (select l.sku, cast(sum(l.quantity) as bigint) as pieces from order_line as l join orders as o on o.id = l.order_id \
         where o.status = 'pending' group by l.sku) as p on p.sku = s.sku where s.reserved <> coalesce(p.pieces, 0)",
    ),
    (
        "on-hand-is-what-came-less-what-was-sold",
        "select s.sku, 'on hand ' || s.on_hand || ', came ' || coalesce(a.pieces, 0) || ', sold ' || coalesce(p.pieces, 0) \
         from stock as s left join (select sku, cast(sum(delta) as bigint) as pieces from adjustment group by sku) as a on a.sku = s.sku \
         left join (select l.sku, cast(sum(l.quantity) as bigint) as pieces from order_line as l join orders as o on o.id = l.order_id \
         where o.status = 'paid' group by l.sku) as p on p.sku = s.sku \
         where s.on_hand <> coalesce(a.pieces, 0) - coalesce(p.pieces, 0)",
    ),
    (
        "total-is-the-sum-of-lines",
        "select o.id, 'total ' || o.total from orders as o where o.total <> o.shipping + \
         (select cast(coalesce(sum(l.quantity * l.minor), 0) as bigint) from order_line as l where l.order_id = o.id)",
    ),
    (
        "one-order-per-key",
        "select o.owner || ' ' || o.key, count(*) || ' orders' from orders as o group by o.owner, o.key having count(*) > 1",
    ),
    (
        "paid-has-a-charge",
        "select id, cast('no charge' as text) from orders where status = 'paid' and charge is null",
    ),
    (
        "one-order-per-charge",
        "select charge, count(*) || ' orders' from orders where charge is not null group by charge having count(*) > 1",
    ),
    (
        "paid-is-told",
        "select o.id, cast('no event' as text) from orders as o where o.status = 'paid' and o.placed_at > \
         (select coalesce(min(done_at), 0) from outbox) and not exists \
         (select 1 from outbox as e where e.order_id = o.id and e.kind = 'order.paid')",
    ),
];

/// `GET /verify`
pub(crate) async fn own(State(app): State<App>) -> Result<Json<Value>, Problem> {
    // One transaction, so that all rules see the same moment while orders go on.
    let mut reading = app.store.read().begin().await?;
    let mut violations = Vec::new();
    for (rule, query) in RULES {
        let query = format!("{query}{LISTED_MAX}");
        for row in sqlx::query(sqlx::AssertSqlSafe(query))
            .fetch_all(&mut *reading)
            .await?
        {
            let (subject, detail): (String, String) = (row.try_get(0)?, row.try_get(1)?);
            violations.push(json!({"rule": rule, "subject": subject, "detail": detail}));
        }
    }
    let mut counts = Map::new();
    for row in sqlx::query("select status, count(*) from orders group by status")
        .fetch_all(&mut *reading)
        .await?
    {
        counts.insert(
            format!("orders_{}", row.try_get::<String, _>(0)?),
            row.try_get::<i64, _>(1)?.into(),
        );
    }
    let waiting = [
        (
            "outbox_waiting",
            "select count(*) from outbox where done_at is null",
        ),
        (
            "refunds_waiting",
            "select count(*) from refund where done_at is null",
        ),
        (
            "checkouts_unanswered",
            "select count(*) from checkout where status is null",
        ),
    ];
    for (name, query) in waiting {
        let count: i64 = sqlx::query_scalar(query).fetch_one(&mut *reading).await?;
        counts.insert(name.to_owned(), count.into());
    }
    Ok(Json(
        json!({"service": "order-service", "violations": violations, "counts": counts}),
    ))
}

#[derive(Debug, Deserialize)]
pub(crate) struct Page {
    after: Option<String>,
    limit: Option<i64>,
}

/// `GET /verify/orders`
pub(crate) async fn orders(State(app): State<App>, Query(page): Query<Page>) -> Result<Json<Value>, Problem> {
    let limit = page.limit.unwrap_or(PAGE_MAX).clamp(1, PAGE_MAX);
    let rows = sqlx::query(
        "select id, key, status, total, currency, charge from orders where id > $1 order by id limit $2",
    )
    .bind(page.after.unwrap_or_default())
    .bind(limit)
    .fetch_all(app.store.read())
    .await?;
    let mut orders = Vec::with_capacity(rows.len());
    for row in &rows {
        let (id, key, status): (String, String, String) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
        let (total, currency, charge): (i64, String, Option<String>) =
            (row.try_get(3)?, row.try_get(4)?, row.try_get(5)?);
        let total = json!({"minor": total, "currency": currency});
        orders.push(json!({"id": id, "key": key, "status": status, "total": total, "charge": charge}));
    }
    let full = i64::try_from(rows.len()).unwrap_or(0) == limit;
    let next: Option<String> = rows
        .last()
        .filter(|_| full)
        .map(|row| row.try_get(0))
        .transpose()?;
    Ok(Json(json!({"orders": orders, "next": next})))
}

/// `GET /verify/sold`: pieces of paid orders, as the catalogue must have counted them once the outbox is empty.
pub(crate) async fn sold(State(app): State<App>) -> Result<Json<Value>, Problem> {
    let rows = sqlx::query(
        "select l.sku, cast(sum(l.quantity) as bigint) from order_line as l join orders as o on o.id = l.order_id \
         where o.status = 'paid' group by l.sku order by l.sku",
    )
    .fetch_all(app.store.read())
    .await?;
    let mut sold = Map::new();
    for row in &rows {
        sold.insert(row.try_get(0)?, row.try_get::<i64, _>(1)?.into());
    }
    Ok(Json(json!({"sold": sold})))
}
