//! The ledger keeps what was written, refuses a second writer and finds every damaged record.

use std::path::Path;

use super::{Entry, Ledger, LedgerError};

async fn filled(folder: &Path) -> Ledger {
    let ledger = Ledger::open(folder).await.expect("a new ledger opens");
    for number in 0..20_i64 {
        let event = format!(r#"{{"kind":"test","number":{number}}}"#);
        let actions = [format!(r#"{{"do":{number}}}"#), r#"{"do":"more"}"#.to_owned()];
        let state = (number == 7).then_some(r#"{"state":7}"#);
        ledger
            .append(&Entry {
                at_ms: 1_000 + number,
                event: &event,
                actions: &actions,
                state,
                answers: None,
            })
            .await
            .expect("an append succeeds");
    }
    ledger.put(b"stored bytes").await.expect("bytes are stored");
    ledger
}

#[tokio::test]
async fn what_is_written_is_read_back_and_verified() {
    let folder = tempfile::tempdir().expect("a folder");
    let ledger = filled(folder.path()).await;
    ledger.acknowledge(1, 0).await.expect("acknowledged");
    let verified = ledger.verify().await.expect("sound");
    assert_eq!((verified.events, verified.blobs), (20, 1));
    drop(ledger);
    let ledger = Ledger::open(folder.path()).await.expect("opens again");
    assert_eq!(
        ledger.pending().await.expect("pending").len(),
        39,
        "40 actions, one acknowledged"
    );
    assert_eq!(
        ledger.snapshot().await.expect("snapshot"),
        Some((8, r#"{"state":7}"#.to_owned()))
    );
    assert_eq!(
        ledger
            .append(&Entry {
                event: "{}",
                answers: Some((2, 1)),
                ..Entry::default()
            })
            .await
            .expect("goes on"),
        21
    );
    assert_eq!(
        ledger.pending().await.expect("pending").len(),
        38,
        "the outcome took its action out of the outbox"
    );
    assert_eq!(ledger.verify().await.expect("still sound").events, 21);
}

#[tokio::test]
async fn a_second_controller_is_refused_and_a_reader_is_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let first = filled(folder.path()).await;
    let second = Ledger::open(folder.path()).await;
    assert!(matches!(second, Err(LedgerError::InUse { .. })), "{second:?}");
    assert_eq!(
        Ledger::read(folder.path()).await.expect("reads").last_seq().await,
        20
    );
    drop(first);
    Ledger::open(folder.path()).await.expect("free again");
}

#[tokio::test]
async fn whoever_opened_it_last_writes_though_the_lock_was_lost() {
    let folder = tempfile::tempdir().expect("a folder");
    let first = filled(folder.path()).await;
    std::fs::remove_file(folder.path().join("ledger.lock")).expect("the lock is lost");
    let second = Ledger::open(folder.path()).await.expect("opens");
    let entry = Entry {
        event: "{}",
        ..Entry::default()
    };
    let refused = first.append(&entry).await;
    assert!(
        matches!(refused, Err(LedgerError::Replaced { .. })),
        "{refused:?}"
    );
    first.acknowledge(1, 0).await.expect("nothing fails");
    let pending = second.pending().await.expect("pending").len();
    assert_eq!(pending, 40, "nothing is acknowledged by it either");
    assert_eq!(second.append(&entry).await.expect("goes on"), 21);
    second.verify().await.expect("sound");
}

/// Each statement damages one thing; the answer must name it.
#[tokio::test]
async fn every_damage_is_found_and_named() {
    let cases = [
        (
            "UPDATE events SET event = replace(event, '5', '6') WHERE seq = 6",
            "event 6 does not match",
        ),
        (
            "UPDATE events SET at_ms = at_ms + 1 WHERE seq = 3",
            "event 3 does not match",
        ),
        (
            "UPDATE events SET actions = '[]' WHERE seq = 20",
            "event 20 does not match",
        ),
        (
            "UPDATE events SET hash = zeroblob(32) WHERE seq = 9",
            "event 9 does not match",
        ),
        (
            "DELETE FROM events WHERE seq = 4",
            "event 4 is missing, 5 follows",
        ),
        (
            "DELETE FROM events WHERE seq > 18",
            "event 20 was written and is gone: the ledger ends at 18",
        ),
        (
            "UPDATE outbox SET action = '{}' WHERE seq = 2 AND place = 1",
            "action 1 in the outbox is not one of event 2",
        ),
        ("UPDATE snapshots SET state = '{}'", "the snapshot does not match"),
        ("UPDATE snapshots SET seq = 9", "the snapshot does not match"),
        ("UPDATE blobs SET bytes = x'00'", "have another digest"),
    ];
    for (statement, expected) in cases {
        let folder = tempfile::tempdir().expect("a folder");
        let ledger = filled(folder.path()).await;
        sqlx::query(statement)
            .execute(&ledger.pool)
            .await
            .expect("the damage is done");
        let message = ledger.verify().await.expect_err(statement).to_string();
        assert!(message.contains(expected), "{statement}: {message}");
    }
}

/// Every byte of a record's text counts: flips one after the other in the file, in all copies of the text (pages keep what
/// they no longer need), and the damage is said to be in that record.
#[tokio::test]
async fn a_flipped_byte_in_the_file_is_found() {
    let folder = tempfile::tempdir().expect("a folder");
    let ledger = filled(folder.path()).await;
    let records = ledger.after(0, 100).await.expect("records");
    sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)")
        .execute(&ledger.pool)
        .await
        .expect("checkpoint");
    ledger.pool.close().await;
    drop(ledger);
    let path = folder.path().join("ledger.db");
    let sound = std::fs::read(&path).expect("the file");
    for record in records.iter().step_by(4) {
        let copies: Vec<usize> = sound
            .windows(record.event.len())
            .enumerate()
            .filter(|(_, window)| *window == record.event.as_bytes())
            .map(|(at, _)| at)
            .collect();
        assert!(!copies.is_empty(), "event {} is in the file", record.seq);
        for offset in 0..record.event.len() {
            let mut bytes = sound.clone();
            for at in &copies {
                bytes[at + offset] ^= 0x01;
            }
            std::fs::write(&path, &bytes).expect("written");
            let ledger = Ledger::read(folder.path()).await.expect("opens");
            let damage = ledger.verify().await.expect_err("the flip is found").to_string();
            let named = format!("event {} does not match", record.seq);
            assert!(damage.contains(&named), "byte {offset}: {damage}");
            ledger.pool.close().await;
        }
    }
}
