//! The report: what portproof says, as data. Every output format is drawn from these types and nothing else.
//!
//! Field names and enums are an interface (`portproof.report.v1`): they may be added to, never renamed or removed.

mod beside;
mod cause;
mod explanation;
mod limits;
mod model;
mod readable;
mod run;
mod schema;

pub use beside::{Background, IcmpErrors};
pub use cause::Cause;
pub use explanation::{Block, Explanation, Section};
pub use limits::Limits;
pub use model::*;
pub use readable::{Ike, Tls};
pub use run::Run;
pub use schema::schema;
