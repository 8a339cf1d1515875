//! What is asked of the products. Values that were asked for are never part of a command's form: they are texts and numbers in it.

use futures_util::TryStreamExt as _;
use mongodb::bson::{Bson, Document, doc};

use super::{Documents, Kept, Result};
use crate::list::{End, Page, Place, RELATED_MAX, Search};
use crate::product::Product;
use crate::shelf::Category;

impl Documents {
    pub(crate) async fn find(&self, sku: &str) -> Result<Option<Product>> {
        let found = self.products().find_one(doc! {"_id": sku}).await?;
        Ok(found.map(Product::from))
    }

    pub(crate) async fn several(&self, skus: &[&str]) -> Result<Vec<Product>> {
        let skus: Vec<Bson> = skus.iter().map(|sku| Bson::from(*sku)).collect();
        let found = self.products().find(doc! {"_id": {"$in": skus}}).await?;
        found.map_ok(Product::from).try_collect().await
    }

    pub(crate) async fn page(&self, search: &Search) -> Result<Page> {
        let direction = if search.order.down { -1 } else { 1 };
        let column = search.order.column;
        let products = self.products();
        let found = products.find(filter(search));
        let found = found
            .sort(doc! {column: direction, "_id": 1})
            .limit(search.limit + 1);
        let mut all: Vec<Kept> = found.await?.try_collect().await?;
        let shown = usize::try_from(search.limit).unwrap_or(0);
        let more = all.len() > shown;
        all.truncate(shown);
        let sold = all.last().map_or(0, |last| last.sold);
        let products: Vec<Product> = all.into_iter().map(Product::from).collect();
        let end = products.last().filter(|_| more).map(|last| End {
            place: search.order.place(last, sold),
            sku: last.sku.clone(),
        });
        Ok(Page { products, end })
    }

    /// The nearest in price are the next below and the next above.
    pub(crate) async fn related(&self, to: &Product) -> Result<Vec<Product>> {
        let price = to.price.minor;
        let products = self.products();
        let mut near: Vec<Kept> = Vec::new();
        for (side, direction) in [(doc! {"$gte": price}, 1), (doc! {"$lt": price}, -1)] {
            let filter = doc! {"category": &to.category, "minor": side, "_id": {"$ne": &to.sku}};
            let found = products.find(filter);
            let found = found.sort(doc! {"minor": direction, "_id": 1}).limit(RELATED_MAX);
            near.extend(found.await?.try_collect::<Vec<_>>().await?);
        }
        near.sort_by(|one, other| {
            let distance = |kept: &Kept| kept.minor.abs_diff(price);
            (distance(one), &one.sku).cmp(&(distance(other), &other.sku))
        });
        near.truncate(usize::try_from(RELATED_MAX).unwrap_or(0));
        Ok(near.into_iter().map(Product::from).collect())
    }

    pub(crate) async fn categories(&self) -> Result<Vec<Category>> {
        let grouped = doc! {"$group": {"_id": "$category", "products": {"$sum": 1}}};
        let counts: Vec<Document> = self.products().aggregate([grouped]).await?.try_collect().await?;
        let count = |slug: &str| {
            let of = counts
                .iter()
                .find(|count| count.get_str("_id").is_ok_and(|of| of == slug));
            of.map_or(0, |count| number(count, "products"))
        };
        let categories = self.categories_kept();
        let found = categories.find(doc! {});
        let all: Vec<Document> = found
            .sort(doc! {"place": 1, "_id": 1})
            .await?
            .try_collect()
            .await?;
        Ok(all
            .iter()
            .map(|kept| {
                let text = |name: &str| kept.get_str(name).unwrap_or_default().to_owned();
                let slug = text("_id");
                let products = count(&slug);
                (slug, text("name"), products)
            })
            .collect())
    }
}

/// A whole number, however wide the server made it.
pub(super) fn number(of: &Document, name: &str) -> i64 {
    match of.get(name) {
        Some(Bson::Int32(number)) => i64::from(*number),
        Some(Bson::Int64(number)) => *number,
        #[expect(clippy::cast_possible_truncation, reason = "sums of whole numbers")]
        Some(Bson::Double(number)) => *number as i64,
        _ => 0,
    }
}

fn filter(search: &Search) -> Document {
    let mut conditions = Vec::new();
    if !search.category.is_empty() {
        conditions.push(doc! {"category": &search.category});
    }
    for word in &search.words {
        conditions.push(doc! {"words": {"$regex": literal(word)}});
    }
    if let Some(after) = &search.after {
        let (column, sign) = (search.order.column, if search.order.down { "$lt" } else { "$gt" });
        let place = match &after.place {
            Place::Number(number) => Bson::from(*number),
            Place::Text(text) => Bson::from(text.as_str()),
        };
        conditions.push(doc! {"$or": [
            {column: {sign: place.clone()}},
            {column: place, "_id": {"$gt": &after.sku}},
        ]});
    }
    if conditions.is_empty() {
        doc! {}
    } else {
        doc! {"$and": conditions}
    }
}

/// A pattern that finds exactly this text.
fn literal(word: &str) -> String {
    let mut pattern = String::with_capacity(word.len());
    for c in word.chars() {
        if c.is_ascii_punctuation() {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern
}
