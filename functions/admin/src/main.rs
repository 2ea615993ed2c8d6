//! Composition root of the admin function: nothing is composed yet.

fn main() {}
