//! What was said about products: a log without gaps. A change is there before its product, and carries all of it.

use futures_util::TryStreamExt as _;
use mongodb::bson::{doc, serialize_to_bson};
use serde::{Deserialize, Serialize};

use super::{Documents, Result, busy, is_duplicate, once, own};
use crate::change::{CHANGES_MAX, Changes, Draft};

/// One change, by its revision.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Change {
    #[serde(rename = "_id")]
    pub(super) revision: i64,
    pub(super) sku: String,
    /// What was said; gone once the product says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) draft: Option<Draft>,
}

impl Documents {
    /// Creates or changes a product; says its new revision.
    pub(crate) async fn put(&self, sku: &str, draft: &Draft) -> Result<i64> {
        for _ in 0..super::TRIES_MAX {
            let last = self.last_change().await?;
            if let Some(last) = &last {
                self.write_down(last).await?;
            }
            let change = Change {
                revision: last.map_or(0, |last| last.revision) + 1,
                sku: sku.to_owned(),
                draft: Some(draft.clone()),
            };
            match self.changes_kept().insert_one(&change).await {
                Err(error) if is_duplicate(&error) => continue,
                other => other?,
            };
            self.write_down(&change).await?;
            return Ok(change.revision);
        }
        Err(busy())
    }

    /// What is new since a revision. Nobody is told of a change that cannot be seen yet.
    pub(crate) async fn changes(&self, after: i64) -> Result<Changes> {
        let changes = self.changes_kept();
        let found = changes.find(doc! {"_id": {"$gt": after}});
        let found = found.sort(doc! {"_id": 1}).limit(CHANGES_MAX + 1);
        let mut all: Vec<Change> = found.await?.try_collect().await?;
        if i64::try_from(all.len()).unwrap_or(0) > CHANGES_MAX {
            let Some(newest) = self.last_change().await? else {
                return Ok(Changes::all(after));
            };
            self.write_down(&newest).await?;
            return Ok(Changes::all(newest.revision));
        }
        // Only the last one can be undone, because whoever appends looks at the one before.
        if let Some(newest) = all.last() {
            self.write_down(newest).await?;
        }
        let revision = all.last().map_or(after, |newest| newest.revision);
        Ok(Changes::of(
            revision,
            all.drain(..).map(|change| change.sku).collect(),
        ))
    }

    async fn last_change(&self) -> Result<Option<Change>> {
        self.changes_kept().find_one(doc! {}).sort(doc! {"_id": -1}).await
    }

    /// Makes the product what the change says, unless it is newer already.
    async fn write_down(&self, change: &Change) -> Result<()> {
        let Some(draft) = &change.draft else {
            return Ok(());
        };
        let older = doc! {"_id": &change.sku, "revision": {"$lt": change.revision}};
        let said = doc! {
            "$set": {
                "name": &draft.name,
                "description": &draft.description,
                "category": &draft.category,
                "minor": draft.price.minor,
                "currency": &draft.price.currency,
                "facts": serialize_to_bson(&draft.facts).map_err(own)?,
                "revision": change.revision,
                "words": draft.words(&change.sku),
            },
            "$setOnInsert": {"sold": 0_i64, "sold_step": 0_i64},
        };
        // A newer one is not found, so it would be made once more, and is there.
        once(self.products().update_one(older, said).upsert(true).await)?;
        self.know_category(&draft.category).await?;
        let undone = doc! {"_id": change.revision};
        self.changes_kept()
            .update_one(undone, doc! {"$unset": {"draft": ""}})
            .await?;
        Ok(())
    }

    /// A category that is not known yet goes to the end of the menu.
    async fn know_category(&self, slug: &str) -> Result<()> {
        if self
            .categories_kept()
            .find_one(doc! {"_id": slug})
            .await?
            .is_some()
        {
            return Ok(());
        }
        let place = self.categories_kept().count_documents(doc! {}).await?;
        let place = i64::try_from(place).unwrap_or(i64::MAX);
        let new = doc! {"_id": slug, "name": slug, "place": place};
        once(self.categories_kept().insert_one(new).await)
    }
}
