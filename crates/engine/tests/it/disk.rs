//! A disk that is full.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;

use super::customers::Customers;
use super::place::{Place, until};

/// Of the state folder: enough for the instances of two tracks.
const MIB: u32 = 96;

#[test]
fn a_full_disk_is_told_stops_nobody_and_loses_nothing() {
    let mut place = Place::new("    strategy: blue-green\n    watch: 0s\n");
    if !place.small_disk(MIB) {
        assert!(
            std::env::var_os("CI").is_none(),
            "no file system can be mounted here"
        );
        println!("left out: no file system can be mounted here (mount needs root)");
        return;
    }
    let first = place.commit("one", "");
    let controller = place.controller();
    assert_eq!(controller.ended(&first).outcome, "promoted");
    let customers = Customers::of(place.port, "/");
    let filler = place.state().join("filler");
    fill(&filler);
    let second = place.commit("two", "");
    until("to be told of the disk", || {
        let warnings = controller.view().warnings.clone();
        warnings
            .iter()
            .any(|warning| warning.contains("full") && warning.contains("hint: "))
            .then_some(())
    });
    assert_eq!(customers.seen().keys().collect::<Vec<_>>(), ["200 one"]);
    std::fs::remove_file(&filler).unwrap();
    assert_eq!(controller.ended(&second).outcome, "promoted");
    let warnings = controller.view().warnings.clone();
    assert!(
        warnings.iter().all(|warning| !warning.contains("full")),
        "{warnings:?}"
    );
    let seen = customers.stop();
    assert!(
        seen.keys()
            .all(|answer| answer == "200 one" || answer == "200 two"),
        "{seen:?}"
    );
}

/// Writes until nothing more fits.
fn fill(path: &Path) {
    let mut file = File::create(path).unwrap();
    for chunk in [1 << 20, 1 << 12, 1] {
        let bytes = vec![0; chunk];
        while file.write_all(&bytes).is_ok() {}
    }
}
