//! What was readable of a pair's protocols.

use schemars::JsonSchema;
use serde::Serialize;

/// What was readable of TLS.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[allow(missing_docs, reason = "the names are the contract's own")]
pub struct Tls {
    pub version: Option<String>,
    pub server_name: Option<String>,
    pub alpn: Option<String>,
    pub certificate_subject: Option<String>,
    pub certificate_issuer: Option<String>,
    pub alert: Option<String>,
}

/// What was readable of IKE.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[allow(missing_docs, reason = "the names are the contract's own")]
pub struct Ike {
    pub version: Option<String>,
    pub notifies: Vec<String>,
    pub proposal: Option<String>,
    pub vendor_ids: Vec<String>,
}
