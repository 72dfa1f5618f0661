//! Pure parsers: payload in, message out. They know nothing of flows or of the profile.
//!
//! Every parser takes what the capture holds, which a short snaplen may have cut, and gives what those bytes show.
//! None of them panics, loops without a bound or trusts a count or a length, and only names are allocated.
#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

pub mod dns;
pub mod dtls;
pub mod esp;
pub mod http;
pub mod ike;
pub mod ike_tcp;
pub mod nat_t;
pub mod quic;
pub mod smtp;
pub mod sniff;
pub mod syslog;
pub mod tls;

#[cfg(test)]
pub(crate) mod laid_out;
