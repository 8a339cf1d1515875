//! What is counted: the numbers by which a release is judged.

use service_kit::metrics::{Counter, Family, Gauge, Histogram, Metrics};

#[derive(Debug, Clone)]
pub(crate) struct Numbers {
    pub(crate) started: Counter,
    pub(crate) paid: Counter,
    pub(crate) payments: Family<Counter>,
    pub(crate) value_minor: Counter,
    pub(crate) out_of_stock: Counter,
    pub(crate) outbox_waiting: Gauge,
    pub(crate) duration: Histogram,
}

impl Numbers {
    pub(crate) fn new(metrics: &Metrics) -> Self {
        let counter = |name, help| metrics.counter(name, help, &[]).with(&[]);
        Self {
            started: counter(
                "shop_checkouts_started_total",
                "Idempotency keys that became an order.",
            ),
            paid: counter("shop_orders_paid_total", "Orders paid."),
            payments: metrics.counter("shop_payments_total", "Answers of the provider.", &["result"]),
            value_minor: counter(
                "shop_order_value_minor_total",
                "Value of paid orders in minor units.",
            ),
            out_of_stock: counter(
                "shop_checkout_out_of_stock_total",
                "Checkouts refused for lack of stock.",
            ),
            outbox_waiting: metrics
                .gauge("shop_outbox_waiting", "Events not delivered yet.", &[])
                .with(&[]),
            duration: metrics
                .histogram("shop_checkout_duration_seconds", "Time of a checkout.", &[])
                .with(&[]),
        }
    }
}
