//! Bytes on disk or standard input become [`Frame`]s.

mod frame;

pub use frame::*;
