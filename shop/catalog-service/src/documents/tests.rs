//! Run against FerretDB 1.24.2 on SQLite, because no MongoDB can be installed here. Its updates are not atomic (a document is
//! read, changed and written), its inserts are: what must be right however many write at once rests on inserts alone.

use mongodb::bson::{Document, doc};
use servers::FerretDb;
use service_kit::event::{Event, OrderFacts, Pieces};
use service_kit::migration::Phase;
use service_kit::{Definition as _, Money, Settings};
use uuid::Uuid;

use super::Documents;
use super::changes::Change;
use crate::change::{Changes, Draft};
use crate::{Catalog, MIGRATIONS};

/// A server with an empty catalogue.
async fn catalogue() -> Option<(FerretDb, Documents)> {
    let server = FerretDb::start().unwrap()?;
    let documents = open(&server).await;
    documents.migrate(Phase::Contract, MIGRATIONS).await.unwrap();
    Some((server, documents))
}

async fn open(server: &FerretDb) -> Documents {
    let settings = Settings::of([("CATALOG_URL", server.url("catalog"))]);
    Documents::open(Catalog::SCHEMA.unwrap(), &settings)
        .await
        .unwrap()
}

fn draft(name: &str) -> Draft {
    Draft {
        name: name.to_owned(),
        description: "It holds.".to_owned(),
        category: "hooks".to_owned(),
        price: Money::new(1990, "EUR"),
        facts: Vec::new(),
    }
}

fn event(id: u128, lines: &[(&str, i64)]) -> Event {
    let lines = lines.iter().map(|(sku, quantity)| Pieces {
        sku: (*sku).to_owned(),
        quantity: *quantity,
    });
    Event {
        id: Uuid::from_u128(id),
        kind: "order.paid".to_owned(),
        schema: 1,
        at_ms: 0,
        order: OrderFacts {
            id: Uuid::from_u128(id),
            owner: "guest:x".to_owned(),
            from_cart: false,
            lines: lines.collect(),
        },
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_have_no_gaps_however_many_write_at_once() {
    let Some((server, documents)) = catalogue().await else {
        return;
    };
    let other = open(&server).await;
    let writers = (0..24).map(|number| {
        let documents = if number % 2 == 0 { &documents } else { &other }.clone();
        tokio::spawn(async move {
            let sku = format!("HOOK-{:02}", number % 8);
            documents
                .put(&sku, &draft(&format!("Hook {number}")))
                .await
                .unwrap()
        })
    });
    let mut revisions = Vec::new();
    for writer in writers.collect::<Vec<_>>() {
        revisions.push(writer.await.unwrap());
    }
    revisions.sort_unstable();
    assert_eq!(revisions, (1..=24).collect::<Vec<i64>>());
    let all: Vec<String> = (0..8).map(|number| format!("HOOK-{number:02}")).collect();
    assert_eq!(documents.changes(0).await.unwrap(), Changes::of(24, all));
    assert_eq!(
        documents.categories().await.unwrap(),
        [("hooks".to_owned(), "hooks".to_owned(), 8)]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn each_event_counts_once_however_often_it_comes() {
    let Some((server, documents)) = catalogue().await else {
        return;
    };
    for sku in ["HOOK-1", "HOOK-2"] {
        documents.put(sku, &draft("Hook")).await.unwrap();
    }
    let other = open(&server).await;
    // Twenty events, each three times, by two processes at once; one line has an unknown product, one comes twice.
    let lines = [("HOOK-1", 1), ("HOOK-2", 2), ("HOOK-1", 1), ("NONE", 5)];
    let deliveries = (0..60_u128).map(|number| {
        let documents = if number % 2 == 0 { &documents } else { &other }.clone();
        tokio::spawn(async move { documents.sold(&event(number % 20, &lines), 1).await.unwrap() })
    });
    for delivery in deliveries.collect::<Vec<_>>() {
        delivery.await.unwrap();
    }
    documents.sold(&event(20, &[("HOOK-2", 3)]), -1).await.unwrap();
    let expected = [("HOOK-1".to_owned(), 40), ("HOOK-2".to_owned(), 37)];
    assert_eq!(documents.sold_counts().await.unwrap(), expected);
    let counts = documents.verify().await.unwrap();
    assert_eq!((counts.products, counts.events, counts.wrong.len()), (2, 21, 0));
    documents.sold(&event(21, &[("HOOK-1", 50)]), -1).await.unwrap();
    assert_eq!(
        documents.verify().await.unwrap().wrong,
        [("HOOK-1".to_owned(), -10)]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_crash_left_undone_is_done_by_the_next_one() {
    let Some((_server, documents)) = catalogue().await else {
        return;
    };
    documents.put("HOOK-1", &draft("Old")).await.unwrap();
    // The change is there, its product is not: once for a reader, once for a writer.
    for (revision, name) in [(2, "New"), (3, "Newer")] {
        let change = Change {
            revision,
            sku: "HOOK-1".to_owned(),
            draft: Some(draft(name)),
        };
        documents.changes_kept().insert_one(change).await.unwrap();
        if revision == 2 {
            documents.changes(1).await.unwrap();
        } else {
            assert_eq!(documents.put("HOOK-2", &draft("Other")).await.unwrap(), 4);
        }
        let product = documents.find("HOOK-1").await.unwrap().unwrap();
        assert_eq!((product.name.as_str(), product.revision), (name, revision));
    }
    // The sale is there, the product does not know of it, and the event comes again.
    let sale = doc! {"_id": "HOOK-1/1", "sku": "HOOK-1", "step": 1_i64, "event": Uuid::from_u128(7).to_string(), "pieces": 4_i64, "sold": 4_i64};
    documents
        .database
        .collection::<Document>("sale")
        .insert_one(sale)
        .await
        .unwrap();
    documents.sold(&event(7, &[("HOOK-1", 4)]), 1).await.unwrap();
    let kept = documents
        .products()
        .find_one(doc! {"_id": "HOOK-1"})
        .await
        .unwrap()
        .unwrap();
    assert_eq!((kept.sold, kept.sold_step), (4, 1));
    assert_eq!(documents.sold_counts().await.unwrap(), [("HOOK-1".to_owned(), 4)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_version_wrote_besides_stays() {
    let Some((_server, documents)) = catalogue().await else {
        return;
    };
    documents.put("HOOK-1", &draft("Old")).await.unwrap();
    let raw = documents.database.collection::<Document>("product");
    let more = doc! {"$set": {"colour_of_the_future": "ultraviolet"}};
    raw.update_one(doc! {"_id": "HOOK-1"}, more).await.unwrap();
    documents.put("HOOK-1", &draft("New")).await.unwrap();
    documents.sold(&event(1, &[("HOOK-1", 1)]), 1).await.unwrap();
    let kept = raw.find_one(doc! {"_id": "HOOK-1"}).await.unwrap().unwrap();
    assert_eq!(kept.get_str("colour_of_the_future").unwrap(), "ultraviolet");
    assert_eq!(
        (kept.get_str("name").unwrap(), kept.get_i64("sold").unwrap()),
        ("New", 1)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn migrating_and_filling_again_changes_nothing_and_ends_what_was_begun() {
    let Some((_server, documents)) = catalogue().await else {
        return;
    };
    assert_eq!(documents.found().await.unwrap(), (1, 0));
    let indexes = documents.products().list_index_names().await.unwrap();
    assert!(indexes.contains(&"product_popular".to_owned()), "{indexes:?}");
    documents.fill().await.unwrap();
    // As if the first one had been killed between products and changes.
    let begun = documents.database.collection::<Document>("seed");
    begun
        .update_one(doc! {"_id": "demo"}, doc! {"$set": {"done": false}})
        .await
        .unwrap();
    documents
        .changes_kept()
        .delete_many(doc! {"_id": {"$gt": 100}})
        .await
        .unwrap();
    for _ in 0..2 {
        documents.migrate(Phase::Contract, MIGRATIONS).await.unwrap();
        documents.fill().await.unwrap();
    }
    assert_eq!(documents.verify().await.unwrap().products, 480);
    let changes = documents.changes_kept();
    assert_eq!(changes.count_documents(doc! {}).await.unwrap(), 480);
    // Once it is filled, it is the merchant's.
    documents
        .products()
        .delete_one(doc! {"_id": "KIT-001"})
        .await
        .unwrap();
    assert_eq!(
        documents.put("KIT-002", &draft("Changed by hand")).await.unwrap(),
        481
    );
    documents.fill().await.unwrap();
    assert!(documents.find("KIT-001").await.unwrap().is_none());
    assert_eq!(
        documents.find("KIT-002").await.unwrap().unwrap().name,
        "Changed by hand"
    );
}
