//! What goes by the queue and by the clock: people are told, reminded and others asked; what is late, stopped or of somebody who
//! has left, ends; agents are called back.

mod due;
mod notify;
mod sweep;
mod webhook;

pub use sweep::Swept;
