//! Carts in a SQL database: a row for each, and one for each line.

use service_kit::clock::now_ms;
use service_kit::event::Event;
use service_kit::store::{Connection, Store};
use service_kit::{Money, Problem};
use sqlx::Row as _;

use crate::catalogue::Product;
use crate::item::{LINES_MAX, PIECES_MAX};
use crate::kept::{Change, Content, Counts, KeptLine, changed, cut, full};

pub(crate) async fn content(store: &Store, owner: &str) -> Result<Content, sqlx::Error> {
    // One statement, so that version and lines belong together.
    let rows = sqlx::query(
        "select c.version, l.sku, l.quantity, l.name, l.minor, l.currency from cart as c \
         left join line as l on l.owner = c.owner where c.owner = $1 order by l.place, l.sku",
    )
    .bind(owner)
    .fetch_all(store.read())
    .await?;
    let mut content = Content {
        version: rows.first().map_or(0, |row| row.get(0)),
        lines: Vec::new(),
    };
    for row in &rows {
        let Some(sku) = row.try_get::<Option<String>, _>(1)? else {
            continue;
        };
        content.lines.push(KeptLine {
            product: Product {
                sku,
                name: row.try_get(3)?,
                price: Money {
                    minor: row.try_get(4)?,
                    currency: row.try_get(5)?,
                },
            },
            quantity: row.try_get(2)?,
        });
    }
    Ok(content)
}

pub(crate) async fn change(
    store: &Store,
    owner: &str,
    change: &Change,
    expected: Option<i64>,
) -> Result<(), Problem> {
    let mut writing = store.begin().await?;
    if matches!(change, Change::Drop) {
        let removed = sqlx::query("delete from line where owner = $1")
            .bind(owner)
            .execute(&mut *writing)
            .await?
            .rows_affected();
        if removed > 0 {
            touch(&mut writing, owner).await?;
        }
        store.commit(writing).await?;
        return Ok(());
    }
    // First of all: whoever has the cart's row keeps others away from its lines, so versions and places are of one order.
    let version = touch(&mut writing, owner).await?;
    if expected.is_some_and(|expected| version - 1 != expected) {
        return Err(changed());
    }
    match change {
        Change::Add(product, more) => put(&mut writing, owner, product, cut(0, *more), Put::Beside).await?,
        Change::Set(product, pieces) => {
            put(&mut writing, owner, product, cut(0, *pieces), Put::Instead).await?;
        }
        Change::Remove(sku) => {
            sqlx::query("delete from line where owner = $1 and sku = $2")
                .bind(owner)
                .bind(sku)
                .execute(&mut *writing)
                .await?;
        }
        Change::Drop => {}
    }
    store.commit(writing).await?;
    Ok(())
}

/// One change more: a new version, which is returned.
async fn touch(writing: &mut Connection, owner: &str) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar(
        "insert into cart values ($1, 1, $2) on conflict (owner) do update set version = cart.version + 1, \
         changed_at = excluded.changed_at returning version",
    )
    .bind(owner)
    .bind(now_ms())
    .fetch_one(writing)
    .await
}

/// What becomes of the pieces that a line has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Put {
    /// They stay, and these come to them.
    Beside,
    /// These are all.
    Instead,
}

/// Puts pieces into a line; refuses a new one when the cart is full. One statement: whether there is a line is its affair.
async fn put(
    writing: &mut Connection,
    owner: &str,
    product: &Product,
    pieces: i64,
    how: Put,
) -> Result<(), Problem> {
    let put = sqlx::query(
        "insert into line select $1, $2, $3, $4, $5, $6, coalesce((select max(place) from line where owner = $1), 0) + 1 \
         where (select count(*) from line where owner = $1 and sku <> $2) < $7 \
         on conflict (owner, sku) do update set quantity = case when line.quantity * $8 + excluded.quantity > $9 then $9 \
         else line.quantity * $8 + excluded.quantity end, name = excluded.name, minor = excluded.minor, currency = excluded.currency",
    )
    .bind(owner)
    .bind(&product.sku)
    .bind(pieces)
    .bind(&product.name)
    .bind(product.price.minor)
    .bind(&product.price.currency)
    .bind(LINES_MAX)
    .bind(i64::from(how == Put::Beside))
    .bind(PIECES_MAX)
    .execute(writing)
    .await?
    .rows_affected();
    if put == 0 { Err(full()) } else { Ok(()) }
}

pub(crate) async fn merge(store: &Store, from: &str, into: &str) -> Result<(), sqlx::Error> {
    let mut writing = store.begin().await?;
    // Whoever has the row keeps others from putting anything in.
    let there = sqlx::query("update cart set version = version + 1 where owner = $1")
        .bind(from)
        .execute(&mut *writing)
        .await?
        .rows_affected();
    if there == 0 {
        return Ok(());
    }
    let lines: i64 = sqlx::query_scalar("select count(*) from line where owner = $1")
        .bind(from)
        .fetch_one(&mut *writing)
        .await?;
    if lines > 0 {
        touch(&mut writing, into).await?;
        sqlx::query(
            "insert into line select $1, sku, quantity, name, minor, currency, place + 1000000 from line where owner = $2 \
             on conflict (owner, sku) do update set quantity = \
             case when line.quantity + excluded.quantity > $3 then $3 else line.quantity + excluded.quantity end",
        )
        .bind(into)
        .bind(from)
        .bind(PIECES_MAX)
        .execute(&mut *writing)
        .await?;
        // The oldest lines stay when there are too many.
        sqlx::query(
            "delete from line where owner = $1 and sku not in \
             (select sku from line where owner = $1 order by place, sku limit $2)",
        )
        .bind(into)
        .bind(LINES_MAX)
        .execute(&mut *writing)
        .await?;
    }
    sqlx::query("delete from cart where owner = $1")
        .bind(from)
        .execute(&mut *writing)
        .await?;
    store.commit(writing).await
}

pub(crate) async fn bought(store: &Store, event: &Event) -> Result<(), sqlx::Error> {
    let mut writing = store.begin().await?;
    let new = sqlx::query("insert into inbox values ($1, $2) on conflict do nothing")
        .bind(event.id.to_string())
        .bind(now_ms())
        .execute(&mut *writing)
        .await?
        .rows_affected();
    if new == 0 {
        return Ok(());
    }
    let owner = &event.order.owner;
    touch(&mut writing, owner).await?;
    for line in &event.order.lines {
        let gone = sqlx::query("delete from line where owner = $1 and sku = $2 and quantity <= $3")
            .bind(owner)
            .bind(&line.sku)
            .bind(line.quantity)
            .execute(&mut *writing)
            .await?
            .rows_affected();
        if gone > 0 {
            continue;
        }
        sqlx::query("update line set quantity = quantity - $1 where owner = $2 and sku = $3")
            .bind(line.quantity)
            .bind(owner)
            .bind(&line.sku)
            .execute(&mut *writing)
            .await?;
    }
    store.commit(writing).await
}

pub(crate) async fn verify(store: &Store) -> Result<Counts, sqlx::Error> {
    let rows = sqlx::query("select owner, count(*) from line group by owner having count(*) > $1 limit 100")
        .bind(LINES_MAX)
        .fetch_all(store.read())
        .await?;
    let count = |query: &'static str| sqlx::query_scalar::<_, i64>(query);
    Ok(Counts {
        carts: count("select count(*) from cart").fetch_one(store.read()).await?,
        pieces: count("select cast(coalesce(sum(quantity), 0) as bigint) from line")
            .fetch_one(store.read())
            .await?,
        wrong: rows.iter().map(|row| (row.get(0), row.get(1))).collect(),
    })
}
