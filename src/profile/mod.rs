//! The required-ports table and the site file: what the user expects, as data.

mod model;

pub use model::*;
