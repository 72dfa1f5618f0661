//! Judgement: facts, the table and the site file become verdicts. Pure: no file is read, no clock is asked.
//!
//! Each capture is judged alone ([`judge`]), pair by pair; [`join`] then makes one report of all of them. The rules stand in one
//! file a family: `silence` (when absence is a verdict), `icmp`, `tcp`, `udp`, `ipsec`; `claims` says whose a flow is.

mod advice;
mod attempts;
mod capture;
mod claims;
mod content;
mod context;
mod dns;
mod facts;
mod finding;
mod icmp;
mod ipsec;
mod join;
mod judgement;
mod ladder;
mod loss;
mod outcome;
mod pair;
mod payload;
mod proxy;
mod resets;
mod scope;
mod service;
mod signs;
mod silence;
mod stall;
mod tcp;
mod tunnel;
mod udp;
mod unexpected;

pub use capture::{CaptureVerdict, judge};
pub use join::join;
pub use outcome::exit_status;
pub use scope::{FailOn, Scope};
