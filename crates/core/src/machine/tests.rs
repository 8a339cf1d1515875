//! The machine, driven by tables of events.
