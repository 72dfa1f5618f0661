//! portproof proves, from packets, which of the ports that FortiClient needs are really open.
//!
//! Data flows one way: a capture's frames are decoded into items, items are applied to flows, flows and what was
//! read of them make an analysis, and judgement turns an analysis, the required-ports table and the site file into
//! a report, which is then drawn. `ARCHITECTURE.md` has the picture.

pub mod bytes;
pub mod text;
pub mod time;

pub mod analysis;
pub mod capture;
pub mod cli;
pub mod decode;
pub mod engine;
pub mod flow;
pub mod profile;
pub mod proto;
pub mod render;
pub mod report;
pub mod verdict;
