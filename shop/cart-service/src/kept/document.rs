//! A cart as one document, and what changes do to it. Pure: whoever keeps it sees to it that nobody else was faster.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use service_kit::Money;
use service_kit::event::Pieces;

use crate::catalogue::Product;
use crate::item::LINES_MAX;
use crate::kept::{Change, Content, KeptLine, cut};

/// The lines are in the order in which they were put in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Document {
    pub(super) version: i64,
    pub(super) lines: Vec<Line>,
    /// What a newer version wrote goes back as it was.
    #[serde(flatten)]
    rest: Map<String, Value>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Line {
    sku: String,
    pub(super) quantity: i64,
    name: String,
    price: Money,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

/// There is no room for another product.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Full;

impl Document {
    pub(super) fn change(&mut self, change: &Change) -> Result<(), Full> {
        match change {
            Change::Add(product, more) => {
                let there = self.line(&product.sku).map_or(0, |line| line.quantity);
                self.put(product, cut(there, *more))?;
            }
            Change::Set(product, pieces) => self.put(product, cut(0, *pieces))?,
            Change::Remove(sku) => self.lines.retain(|line| line.sku != *sku),
            Change::Drop => self.lines.clear(),
        }
        self.version += 1;
        Ok(())
    }

    /// Another cart's pieces come after its own; the oldest lines stay when there are too many.
    pub(super) fn take(&mut self, other: Self) {
        for theirs in other.lines {
            match self.line(&theirs.sku) {
                Some(ours) => ours.quantity = cut(ours.quantity, theirs.quantity),
                None => self.lines.push(theirs),
            }
        }
        self.lines.truncate(usize::try_from(LINES_MAX).unwrap_or(0));
        self.version += 1;
    }

    /// What was bought leaves it; what was added meanwhile stays.
    pub(super) fn bought(&mut self, pieces: &[Pieces]) {
        for bought in pieces {
            if let Some(line) = self.line(&bought.sku) {
                line.quantity -= bought.quantity;
            }
        }
        self.lines.retain(|line| line.quantity > 0);
        self.version += 1;
    }

    pub(super) fn content(self) -> Content {
        let lines = self.lines.into_iter().map(|line| KeptLine {
            product: Product {
                sku: line.sku,
                name: line.name,
                price: line.price,
            },
            quantity: line.quantity,
        });
        Content {
            version: self.version,
            lines: lines.collect(),
        }
    }

    fn line(&mut self, sku: &str) -> Option<&mut Line> {
        self.lines.iter_mut().find(|line| line.sku == sku)
    }

    fn put(&mut self, product: &Product, quantity: i64) -> Result<(), Full> {
        if let Some(line) = self.line(&product.sku) {
            line.quantity = quantity;
            line.name.clone_from(&product.name);
            line.price = product.price.clone();
            return Ok(());
        }
        if i64::try_from(self.lines.len()).unwrap_or(i64::MAX) >= LINES_MAX {
            return Err(Full);
        }
        self.lines.push(Line {
            sku: product.sku.clone(),
            quantity,
            name: product.name.clone(),
            price: product.price.clone(),
            rest: Map::new(),
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn product(sku: &str) -> Product {
        Product {
            sku: sku.to_owned(),
            name: format!("A {sku}"),
            price: Money::new(100, "EUR"),
        }
    }

    fn lines(document: &Document) -> Vec<(&str, i64)> {
        document
            .lines
            .iter()
            .map(|line| (line.sku.as_str(), line.quantity))
            .collect()
    }

    #[test]
    fn changes_do_what_they_say() {
        let mut cart = Document::default();
        let changes = [
            Change::Add(product("A"), 2),
            Change::Add(product("B"), 98),
            Change::Add(product("B"), 98),
            Change::Set(product("A"), 5),
            Change::Remove("C".to_owned()),
        ];
        for change in &changes {
            cart.change(change).unwrap();
        }
        assert_eq!((cart.version, lines(&cart)), (5, vec![("A", 5), ("B", 99)]));

        let mut guest = Document::default();
        guest.change(&Change::Add(product("C"), 1)).unwrap();
        guest.change(&Change::Add(product("A"), 1)).unwrap();
        cart.take(guest);
        assert_eq!(lines(&cart), [("A", 6), ("B", 99), ("C", 1)]);

        let bought = [("A", 5), ("C", 3), ("D", 1)].map(|(sku, quantity)| Pieces {
            sku: sku.to_owned(),
            quantity,
        });
        cart.bought(&bought);
        assert_eq!(lines(&cart), [("A", 1), ("B", 99)]);
    }

    #[test]
    fn a_cart_that_is_full_takes_no_other_product_and_keeps_its_oldest() {
        let (mut cart, mut guest) = (Document::default(), Document::default());
        for number in 0..50 {
            cart.change(&Change::Add(product(&format!("A{number}")), 1))
                .unwrap();
        }
        assert_eq!(cart.change(&Change::Add(product("B"), 1)), Err(Full));
        cart.change(&Change::Add(product("A7"), 1)).unwrap();
        guest.change(&Change::Add(product("B"), 1)).unwrap();
        cart.take(guest);
        assert!(cart.lines.len() == 50 && lines(&cart)[7] == ("A7", 2));
    }

    #[test]
    fn what_a_newer_version_wrote_is_not_lost() {
        let text = r#"{"version":1,"lines":[{"sku":"A","quantity":1,"name":"A","price":{"minor":1,"currency":"EUR"},"gift":true}],"note":"x"}"#;
        let mut cart: Document = serde_json::from_str(text).unwrap();
        cart.change(&Change::Set(product("A"), 2)).unwrap();
        let kept: Value = serde_json::to_value(&cart).unwrap();
        assert_eq!(
            (
                &kept["note"],
                &kept["lines"][0]["gift"],
                &kept["lines"][0]["quantity"]
            ),
            (&"x".into(), &true.into(), &2.into())
        );
    }
}
