//! A simulated world and the checkers of every invariant. Development only.
