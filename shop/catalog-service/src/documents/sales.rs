//! How often products were sold: a log for each product, in which each event comes once.

use futures_util::TryStreamExt as _;
use mongodb::bson::{Document, doc};
use serde::{Deserialize, Serialize};
use service_kit::clock::now_ms;
use service_kit::event::Event;

use super::read::number;
use super::{Documents, Result, busy, is_duplicate, once};
use crate::shelf::Counts;
use service_kit::is_sku;

/// One step of a product's log. The pair of product and step is unique, and so is that of event and product.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Sale {
    /// `<sku>/<step>`.
    #[serde(rename = "_id")]
    id: String,
    sku: String,
    step: i64,
    event: String,
    pieces: i64,
    /// Pieces sold at all, after this one.
    sold: i64,
}

impl Documents {
    /// Counts what an event says was sold, once, however often it comes.
    pub(crate) async fn sold(&self, event: &Event, sign: i64) -> Result<()> {
        let id = event.id.to_string();
        if self.inbox().find_one(doc! {"_id": &id}).await?.is_some() {
            return Ok(());
        }
        let mut lines: Vec<(&str, i64)> = Vec::new();
        for line in event.order.lines.iter().filter(|line| is_sku(&line.sku)) {
            match lines.iter_mut().find(|(sku, _)| *sku == line.sku) {
                Some((_, pieces)) => *pieces += sign * line.quantity,
                None => lines.push((&line.sku, sign * line.quantity)),
            }
        }
        for (sku, pieces) in lines {
            self.sold_of(sku, pieces, &id).await?;
        }
        once(self.inbox().insert_one(doc! {"_id": &id, "at": now_ms()}).await)
    }

    async fn sold_of(&self, sku: &str, pieces: i64, event: &str) -> Result<()> {
        if self.products().find_one(doc! {"_id": sku}).await?.is_none() {
            return Ok(());
        }
        for _ in 0..super::TRIES_MAX {
            let last = self.last_sale(sku).await?;
            let step = last.as_ref().map_or(0, |last| last.step) + 1;
            let next = Sale {
                id: format!("{sku}/{step}"),
                sku: sku.to_owned(),
                step,
                event: event.to_owned(),
                pieces,
                sold: last.map_or(0, |last| last.sold) + pieces,
            };
            match self.sales().insert_one(&next).await {
                Ok(_) => return self.write_sold(&next).await,
                Err(error) if is_duplicate(&error) => {}
                Err(error) => return Err(error),
            }
            let mine = doc! {"event": event, "sku": sku};
            if self.sales().find_one(mine).await?.is_some() {
                // Counted before; whoever did it may not have come as far as the product.
                return match self.last_sale(sku).await? {
                    Some(last) => self.write_sold(&last).await,
                    None => Ok(()),
                };
            }
        }
        Err(busy())
    }

    async fn last_sale(&self, sku: &str) -> Result<Option<Sale>> {
        self.sales()
            .find_one(doc! {"sku": sku})
            .sort(doc! {"step": -1})
            .await
    }

    /// Lists are sorted by it.
    async fn write_sold(&self, sale: &Sale) -> Result<()> {
        let older = doc! {"_id": &sale.sku, "sold_step": {"$lt": sale.step}};
        let said = doc! {"$set": {"sold": sale.sold, "sold_step": sale.step}};
        self.products().update_one(older, said).await?;
        Ok(())
    }

    /// What was sold at all, by SKU, as the log says it.
    pub(crate) async fn sold_counts(&self) -> Result<Vec<(String, i64)>> {
        let mut sums = self.sums().await?;
        sums.retain(|(_, sold)| *sold != 0);
        Ok(sums)
    }

    pub(crate) async fn verify(&self) -> Result<Counts> {
        let count = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        let mut wrong = self.sums().await?;
        wrong.retain(|(_, sold)| *sold < 0);
        Ok(Counts {
            products: count(self.products().count_documents(doc! {}).await?),
            events: count(self.inbox().count_documents(doc! {}).await?),
            wrong,
        })
    }

    async fn sums(&self) -> Result<Vec<(String, i64)>> {
        let grouped = doc! {"$group": {"_id": "$sku", "sold": {"$sum": "$pieces"}}};
        let sums: Vec<Document> = self.sales().aggregate([grouped]).await?.try_collect().await?;
        let mut sums: Vec<(String, i64)> = sums
            .iter()
            .map(|sum| {
                let sku = sum.get_str("_id").unwrap_or_default().to_owned();
                (sku, number(sum, "sold"))
            })
            .collect();
        sums.sort_unstable();
        Ok(sums)
    }
}
