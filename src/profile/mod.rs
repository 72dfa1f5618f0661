//! The required-ports table and the site file: what the user expects, as data.
//!
//! A [`Profile`] is the table, a [`Site`] what is said of one network. Both are TOML that people write, so that every
//! mistake is shown where it stands, and with what would be right.

mod builtin;
mod customise;
mod error;
mod known;
mod mistakes;
mod model;
mod notation;
mod parse;
mod site;
#[cfg(test)]
mod tests;
mod toml;

pub use error::{ProfileError, read_text};
pub use known::{Known, protocol_name};
pub use mistakes::Mistakes;
pub(crate) use mistakes::distance;
pub use model::*;
pub use notation::{Endpoint, Malformed, parse_network};
