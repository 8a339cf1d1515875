//! The tidy test itself.

#[test]
fn the_tree_is_tidy() {
    let found = super::findings(&super::root());
    assert!(
        found.is_empty(),
        "{} findings:\n{}",
        found.len(),
        found.join("\n")
    );
}
