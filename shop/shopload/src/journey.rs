//! One customer's way through the shop: looks around, and sometimes fills a cart, and sometimes buys.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};

use crate::connection::{Answer, Connections, Habit};
use crate::shop::{self, Guest, Payment};
use crate::tally::{Kind, Tally};

/// Of a hundred customers, so many fill a cart, and so many of these buy.
const FILL_PERCENT: u32 = 50;
const BUY_PERCENT: u32 = 70;
/// Of a hundred customers, so many use a new connection for each request.
const NEW_PERCENT: u32 = 30;
/// Of a thousand buyers, so many have a card that the bank declines.
const DECLINED_PERMILLE: u32 = 20;
/// From one request to the next.
const THINK_MS: std::ops::Range<u64> = 20..200;
/// Requests of the mean journey, in tenths: `tests` hold it to that.
pub(crate) const REQUESTS_TENTHS: u64 = 57;

/// Where customers go and what they know.
#[derive(Debug)]
pub(crate) struct Town {
    pub(crate) connections: Connections,
    pub(crate) skus: Vec<String>,
    pub(crate) tally: Tally,
    pub(crate) seed: u64,
}

/// What a customer means to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Intent {
    fills: bool,
    buys: bool,
    payment: Payment,
    habit: Habit,
}

impl Intent {
    fn of(random: &mut StdRng) -> Self {
        let fills = random.random_range(0..100) < FILL_PERCENT;
        let declined = random.random_range(0..1000) < DECLINED_PERMILLE;
        Self {
            fills,
            buys: fills && random.random_range(0..100) < BUY_PERCENT,
            payment: if declined {
                Payment::Declined
            } else {
                Payment::Good
            },
            habit: if random.random_range(0..100) < NEW_PERCENT {
                Habit::New
            } else {
                Habit::Keep
            },
        }
    }
}

/// Customer `number` comes at `due`.
pub(crate) async fn walk(town: Arc<Town>, number: u64, due: Instant) {
    let mut random = StdRng::seed_from_u64(town.seed ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let intent = Intent::of(&mut random);
    let Some(sku) = town.skus.choose(&mut random).cloned() else {
        return;
    };
    let mut visit = Visit {
        town,
        habit: intent.habit,
        due,
        random,
    };
    let guest = Guest::new(&mut visit.random);
    visit.send(Kind::Page, guest.page("/")).await;
    visit
        .send(Kind::Read, guest.get("/api/v1/products?limit=12"))
        .await;
    visit
        .send(Kind::Page, guest.page(&format!("/products/{sku}")))
        .await;
    visit
        .send(Kind::Read, guest.get(&format!("/api/v1/products/{sku}")))
        .await;
    if !intent.fills {
        return;
    }
    let quantity = visit.random.random_range(1..=2);
    visit.send(Kind::Write, guest.add(&sku, quantity)).await;
    visit.send(Kind::Read, guest.get("/api/v1/cart")).await;
    if intent.buys {
        buy(&mut visit, &guest, intent.payment).await;
    }
}

async fn buy(visit: &mut Visit, guest: &Guest, payment: Payment) {
    let key = format!("{:032x}", visit.random.random::<u128>());
    let Some(answer) = visit.send(Kind::Checkout, guest.checkout(&key, payment)).await else {
        return;
    };
    let Some((id, status)) = shop::order(&answer.body) else {
        return;
    };
    if answer.status == 201 && status == "paid" {
        visit.town.tally.acknowledge(&id);
    }
    if matches!(answer.status, 201 | 202) {
        visit
            .send(Kind::Read, guest.get(&format!("/api/v1/orders/{id}")))
            .await;
    }
}

struct Visit {
    town: Arc<Town>,
    habit: Habit,
    /// When the next request is due: latency counts from here, so that waiting in line counts too.
    due: Instant,
    random: StdRng,
}

impl Visit {
    /// Sends when it is due; `None` when it was lost.
    async fn send(&mut self, kind: Kind, request: Request<Full<Bytes>>) -> Option<Answer> {
        tokio::time::sleep_until(self.due.into()).await;
        let what = format!("{} {}", request.method(), request.uri().path());
        let answer = self.town.connections.send(request, self.habit).await;
        let took = self.due.elapsed();
        self.town.tally.count(kind, &what, self.habit, took, &answer);
        let think = self.random.random_range(THINK_MS);
        self.due = Instant::now() + Duration::from_millis(think);
        answer.ok().filter(|answer| answer.status < 500)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_journey_has_as_many_requests_as_the_rate_is_based_on() {
        let requests: u64 = (0..20_000)
            .map(|number| {
                let intent = Intent::of(&mut StdRng::seed_from_u64(number));
                4 + if intent.fills { 2 } else { 0 } + if intent.buys { 2 } else { 0 }
            })
            .sum();
        let tenths = requests * 10 / 20_000;
        assert!(tenths.abs_diff(REQUESTS_TENTHS) <= 1, "{tenths} tenths");
    }
}
