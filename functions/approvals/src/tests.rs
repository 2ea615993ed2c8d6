//! The function as a whole, over a world in memory: pages, words, races, faults.

mod delivery;
mod pages;
mod races;
mod words;
pub mod world;
