//! The demo's products, written into an empty catalogue. What was begun and not ended is ended by the next one.

use mongodb::Collection;
use mongodb::bson::{Document, doc};
use service_kit::demo;

use super::changes::Change;
use super::{Documents, Kept, Result, once};
use crate::seed::drafts;

impl Documents {
    fn begun(&self) -> Collection<Document> {
        self.database.collection("seed")
    }

    /// Does nothing when there is any product that somebody else put there.
    pub(crate) async fn fill(&self) -> Result<()> {
        match self.begun().find_one(doc! {"_id": "demo"}).await? {
            Some(begun) if begun.get_bool("done").is_ok_and(|done| done) => return Ok(()),
            Some(_) => {}
            None if self.products().find_one(doc! {}).await?.is_some() => return Ok(()),
            None => once(self.begun().insert_one(doc! {"_id": "demo", "done": false}).await)?,
        }
        let categories = demo::categories()
            .zip(0_i64..)
            .map(|((slug, title), place)| doc! {"_id": slug, "name": title, "place": place});
        once(
            self.categories_kept()
                .insert_many(categories)
                .ordered(false)
                .await,
        )?;
        let mut products = Vec::new();
        let mut changes = Vec::new();
        for ((sku, draft), revision) in drafts().zip(1_i64..) {
            changes.push(Change {
                revision,
                sku: sku.clone(),
                draft: None,
            });
            products.push(Kept {
                words: draft.words(&sku),
                sku,
                name: draft.name,
                description: draft.description,
                category: draft.category,
                minor: draft.price.minor,
                currency: draft.price.currency,
                facts: draft.facts,
                revision,
                sold: 0,
                sold_step: 0,
            });
        }
        once(self.products().insert_many(products).ordered(false).await)?;
        once(self.changes_kept().insert_many(changes).ordered(false).await)?;
        let done = doc! {"$set": {"done": true}};
        self.begun().update_one(doc! {"_id": "demo"}, done).await?;
        Ok(())
    }
}
