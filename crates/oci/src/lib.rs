//! OCI images without a daemon: assemble, store, push and pull.
