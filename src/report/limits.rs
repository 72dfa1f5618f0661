//! What a run had to give up.

use schemars::JsonSchema;
use serde::Serialize;

/// Bounds that were hit. Where one is above zero, absence proves nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Limits {
    /// Flows given up for lack of memory.
    pub evicted_flows: u64,
    /// Those among them that were of the table's ports, or refused: nothing is called blocked for want of an answer then.
    pub evicted_evidence: u64,
    /// Unexpected flows, by client, server and port, that are not listed: there were too many.
    pub unlisted_unexpected: u64,
    /// DNS names given up.
    pub dropped_names: u64,
    /// Messages beyond the number kept per flow.
    pub dropped_messages: u64,
    /// Streams whose beginning was not kept for lack of memory.
    pub dropped_streams: u64,
    /// IP fragments whose first fragment was not found.
    pub orphan_fragments: u64,
    /// IP fragments given up for lack of memory, or because they overlap or contradict each other.
    pub dropped_fragments: u64,
}
