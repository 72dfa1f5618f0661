//! Internet Key Exchange, both versions: what can be read without keys.
//!
//! RFC 2408, 2409, 3947 (IKEv1), RFC 7296, 7383 (IKEv2).

pub mod payload;

mod algorithms;
mod clear;
mod header;
mod names;
mod nat_detection;
mod proposal;
mod vendor;

pub use algorithms::{group_name, transform_name};
pub use clear::{Clear, Fragment};
pub use header::Header;
pub use names::{exchange, exchange_name, notify, notify_name, payload_name};
pub use nat_detection::{NatDetection, nat_detection_hash};
pub use payload::{Notify, Payload, payloads};
pub use proposal::Suite;
