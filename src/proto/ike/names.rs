//! The registries' names for what is in clear (IANA "ikev2-parameters", "isakmp-registry", "ipsec-registry").

use std::borrow::Cow;

/// Exchange types that something depends on.
pub mod exchange {
    /// IKEv2 (RFC 7296 section 3.1).
    pub mod v2 {
        /// Algorithms, keys and cookies, in clear.
        pub const IKE_SA_INIT: u8 = 34;
        /// The IKE SA is protected and its ends are authenticated.
        pub const IKE_AUTH: u8 = 35;
        /// A new child, or a rekey.
        pub const CREATE_CHILD_SA: u8 = 36;
        /// Notifies, deletions, liveness checks.
        pub const INFORMATIONAL: u8 = 37;
    }

    /// IKEv1 (RFC 2408 section 3.1).
    pub mod v1 {
        /// Main mode (identity protection).
        pub const MAIN: u8 = 2;
        /// Aggressive mode.
        pub const AGGRESSIVE: u8 = 4;
        /// Notifies and deletions.
        pub const INFORMATIONAL: u8 = 5;
        /// Mode config and XAUTH.
        pub const TRANSACTION: u8 = 6;
        /// Quick mode (RFC 2409 section 5.5).
        pub const QUICK: u8 = 32;
    }
}

/// Notify message types that something depends on.
pub mod notify {
    /// Whether a type says that something failed: below 16384, in both versions (RFC 7296 section 3.10.1, RFC 2408 section 3.14.1).
    pub fn is_error(kind: u16) -> bool {
        kind < 16384
    }

    /// IKEv2 (RFC 7296 section 3.10.1).
    pub mod v2 {
        /// The gateway does not know this IKE SA.
        pub const INVALID_IKE_SPI: u16 = 4;
        /// The gateway does not speak this version.
        pub const INVALID_MAJOR_VERSION: u16 = 5;
        /// The gateway does not know this ESP security association.
        pub const INVALID_SPI: u16 = 11;
        /// None of the offered proposals is acceptable.
        pub const NO_PROPOSAL_CHOSEN: u16 = 14;
        /// The data is the Diffie-Hellman group wanted instead.
        pub const INVALID_KE_PAYLOAD: u16 = 17;
        /// Key, certificate, identity or login was refused.
        pub const AUTHENTICATION_FAILED: u16 = 24;
        /// Hash over the sender's address and port.
        pub const NAT_DETECTION_SOURCE_IP: u16 = 16388;
        /// Hash over the receiver's address and port.
        pub const NAT_DETECTION_DESTINATION_IP: u16 = 16389;
        /// To be repeated by the initiator: load protection, no failure.
        pub const COOKIE: u16 = 16390;
        /// Ask another gateway.
        pub const REDIRECT: u16 = 16407;
        /// The sender understands RFC 7383 fragments.
        pub const FRAGMENTATION_SUPPORTED: u16 = 16430;
    }

    /// IKEv1 (RFC 2408 section 3.14.1, RFC 3706).
    pub mod v1 {
        /// The gateway does not know this IKE SA.
        pub const INVALID_COOKIE: u16 = 4;
        /// The gateway does not speak this version.
        pub const INVALID_MAJOR_VERSION: u16 = 5;
        /// The gateway does not know this ESP security association.
        pub const INVALID_SPI: u16 = 11;
        /// None of the offered proposals is acceptable.
        pub const NO_PROPOSAL_CHOSEN: u16 = 14;
        /// Often: decrypted with the wrong pre-shared key.
        pub const PAYLOAD_MALFORMED: u16 = 16;
        /// Key or certificate was refused.
        pub const AUTHENTICATION_FAILED: u16 = 24;
    }
}

/// What an exchange type is called in the version of the header (`0x10`, `0x20`).
pub fn exchange_name(version: u8, exchange: u8) -> Cow<'static, str> {
    let known = if version >> 4 == 1 { exchange_v1(exchange) } else { exchange_v2(exchange) };
    known.map_or_else(|| Cow::Owned(format!("exchange {exchange}")), Cow::Borrowed)
}

/// What a notify message type is called in the version of the header (`0x10`, `0x20`).
pub fn notify_name(version: u8, kind: u16) -> Cow<'static, str> {
    let known = if version >> 4 == 1 { notify_v1(kind) } else { notify_v2(kind) };
    known.map_or_else(|| Cow::Owned(format!("notify {kind}")), Cow::Borrowed)
}

/// What a payload kind is called in the version of the header (`0x10`, `0x20`).
pub fn payload_name(version: u8, kind: u8) -> Cow<'static, str> {
    let known = if version >> 4 == 1 { payload_v1(kind) } else { payload_v2(kind) };
    known.map_or_else(|| Cow::Owned(format!("payload {kind}")), Cow::Borrowed)
}

fn exchange_v1(exchange: u8) -> Option<&'static str> {
    Some(match exchange {
        1 => "base",
        2 => "main mode",
        3 => "authentication only",
        4 => "aggressive mode",
        5 => "informational",
        6 => "transaction",
        32 => "quick mode",
        33 => "new group mode",
        _ => return None,
    })
}

fn exchange_v2(exchange: u8) -> Option<&'static str> {
    Some(match exchange {
        34 => "IKE_SA_INIT",
        35 => "IKE_AUTH",
        36 => "CREATE_CHILD_SA",
        37 => "INFORMATIONAL",
        38 => "IKE_SESSION_RESUME",
        39 => "GSA_AUTH",
        40 => "GSA_REGISTRATION",
        41 => "GSA_REKEY",
        43 => "IKE_INTERMEDIATE",
        44 => "IKE_FOLLOWUP_KE",
        _ => return None,
    })
}

fn payload_v1(kind: u8) -> Option<&'static str> {
    Some(match kind {
        0 => "none",
        1 => "SA",
        2 => "proposal",
        3 => "transform",
        4 => "KE",
        5 => "ID",
        6 => "CERT",
        7 => "CERT_REQ",
        8 => "HASH",
        9 => "SIG",
        10 => "NONCE",
        11 => "N",
        12 => "D",
        13 => "VID",
        14 => "attributes",
        20 | 130 => "NAT-D",
        21 | 131 => "NAT-OA",
        132 => "fragment",
        _ => return None,
    })
}

fn payload_v2(kind: u8) -> Option<&'static str> {
    Some(match kind {
        0 => "none",
        33 => "SA",
        34 => "KE",
        35 => "IDi",
        36 => "IDr",
        37 => "CERT",
        38 => "CERTREQ",
        39 => "AUTH",
        40 => "Nonce",
        41 => "N",
        42 => "D",
        43 => "V",
        44 => "TSi",
        45 => "TSr",
        46 => "SK",
        47 => "CP",
        48 => "EAP",
        49 => "GSPM",
        50 => "IDg",
        51 => "GSA",
        52 => "KD",
        53 => "SKF",
        54 => "PS",
        _ => return None,
    })
}

fn notify_v1(kind: u16) -> Option<&'static str> {
    Some(match kind {
        1 => "INVALID-PAYLOAD-TYPE",
        2 => "DOI-NOT-SUPPORTED",
        3 => "SITUATION-NOT-SUPPORTED",
        4 => "INVALID-COOKIE",
        5 => "INVALID-MAJOR-VERSION",
        6 => "INVALID-MINOR-VERSION",
        7 => "INVALID-EXCHANGE-TYPE",
        8 => "INVALID-FLAGS",
        9 => "INVALID-MESSAGE-ID",
        10 => "INVALID-PROTOCOL-ID",
        11 => "INVALID-SPI",
        12 => "INVALID-TRANSFORM-ID",
        13 => "ATTRIBUTES-NOT-SUPPORTED",
        14 => "NO-PROPOSAL-CHOSEN",
        15 => "BAD-PROPOSAL-SYNTAX",
        16 => "PAYLOAD-MALFORMED",
        17 => "INVALID-KEY-INFORMATION",
        18 => "INVALID-ID-INFORMATION",
        19 => "INVALID-CERT-ENCODING",
        20 => "INVALID-CERTIFICATE",
        21 => "CERT-TYPE-UNSUPPORTED",
        22 => "INVALID-CERT-AUTHORITY",
        23 => "INVALID-HASH-INFORMATION",
        24 => "AUTHENTICATION-FAILED",
        25 => "INVALID-SIGNATURE",
        26 => "ADDRESS-NOTIFICATION",
        27 => "NOTIFY-SA-LIFETIME",
        28 => "CERTIFICATE-UNAVAILABLE",
        29 => "UNSUPPORTED-EXCHANGE-TYPE",
        30 => "UNEQUAL-PAYLOAD-LENGTHS",
        16384 => "CONNECTED",
        24576 => "RESPONDER-LIFETIME",
        24577 => "REPLAY-STATUS",
        24578 => "INITIAL-CONTACT",
        36136 => "R-U-THERE",
        36137 => "R-U-THERE-ACK",
        _ => return None,
    })
}

fn notify_v2(kind: u16) -> Option<&'static str> {
    Some(match kind {
        1 => "UNSUPPORTED_CRITICAL_PAYLOAD",
        4 => "INVALID_IKE_SPI",
        5 => "INVALID_MAJOR_VERSION",
        7 => "INVALID_SYNTAX",
        9 => "INVALID_MESSAGE_ID",
        11 => "INVALID_SPI",
        14 => "NO_PROPOSAL_CHOSEN",
        17 => "INVALID_KE_PAYLOAD",
        24 => "AUTHENTICATION_FAILED",
        34 => "SINGLE_PAIR_REQUIRED",
        35 => "NO_ADDITIONAL_SAS",
        36 => "INTERNAL_ADDRESS_FAILURE",
        37 => "FAILED_CP_REQUIRED",
        38 => "TS_UNACCEPTABLE",
        39 => "INVALID_SELECTORS",
        40 => "UNACCEPTABLE_ADDRESSES",
        41 => "UNEXPECTED_NAT_DETECTED",
        42 => "USE_ASSIGNED_HoA",
        43 => "TEMPORARY_FAILURE",
        44 => "CHILD_SA_NOT_FOUND",
        45 => "INVALID_GROUP_ID",
        46 => "AUTHORIZATION_FAILED",
        47 => "STATE_NOT_FOUND",
        48 => "TS_MAX_QUEUE",
        16384 => "INITIAL_CONTACT",
        16385 => "SET_WINDOW_SIZE",
        16386 => "ADDITIONAL_TS_POSSIBLE",
        16387 => "IPCOMP_SUPPORTED",
        16388 => "NAT_DETECTION_SOURCE_IP",
        16389 => "NAT_DETECTION_DESTINATION_IP",
        16390 => "COOKIE",
        16391 => "USE_TRANSPORT_MODE",
        16392 => "HTTP_CERT_LOOKUP_SUPPORTED",
        16393 => "REKEY_SA",
        16394 => "ESP_TFC_PADDING_NOT_SUPPORTED",
        16395 => "NON_FIRST_FRAGMENTS_ALSO",
        16396 => "MOBIKE_SUPPORTED",
        16397 => "ADDITIONAL_IP4_ADDRESS",
        16398 => "ADDITIONAL_IP6_ADDRESS",
        16399 => "NO_ADDITIONAL_ADDRESSES",
        16400 => "UPDATE_SA_ADDRESSES",
        16401 => "COOKIE2",
        16402 => "NO_NATS_ALLOWED",
        16403 => "AUTH_LIFETIME",
        16404 => "MULTIPLE_AUTH_SUPPORTED",
        16405 => "ANOTHER_AUTH_FOLLOWS",
        16406 => "REDIRECT_SUPPORTED",
        16407 => "REDIRECT",
        16408 => "REDIRECTED_FROM",
        16409 => "TICKET_LT_OPAQUE",
        16410 => "TICKET_REQUEST",
        16411 => "TICKET_ACK",
        16412 => "TICKET_NACK",
        16413 => "TICKET_OPAQUE",
        16414 => "LINK_ID",
        16415 => "USE_WESP_MODE",
        16416 => "ROHC_SUPPORTED",
        16417 => "EAP_ONLY_AUTHENTICATION",
        16418 => "CHILDLESS_IKEV2_SUPPORTED",
        16419 => "QUICK_CRASH_DETECTION",
        16420 => "IKEV2_MESSAGE_ID_SYNC_SUPPORTED",
        16421 => "IPSEC_REPLAY_COUNTER_SYNC_SUPPORTED",
        16422 => "IKEV2_MESSAGE_ID_SYNC",
        16423 => "IPSEC_REPLAY_COUNTER_SYNC",
        16424 => "SECURE_PASSWORD_METHODS",
        16425 => "PSK_PERSIST",
        16426 => "PSK_CONFIRM",
        16427 => "ERX_SUPPORTED",
        16428 => "IFOM_CAPABILITY",
        16429 => "SENDER_REQUEST_ID",
        16430 => "IKEV2_FRAGMENTATION_SUPPORTED",
        16431 => "SIGNATURE_HASH_ALGORITHMS",
        16432 => "CLONE_IKE_SA_SUPPORTED",
        16433 => "CLONE_IKE_SA",
        16434 => "PUZZLE",
        16435 => "USE_PPK",
        16436 => "PPK_IDENTITY",
        16437 => "NO_PPK_AUTH",
        16438 => "INTERMEDIATE_EXCHANGE_SUPPORTED",
        16439 => "IP4_ALLOWED",
        16440 => "IP6_ALLOWED",
        16441 => "ADDITIONAL_KEY_EXCHANGE",
        16442 => "USE_AGGFRAG",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::{exchange_name, notify_name, payload_name};

    #[test]
    fn the_version_decides() {
        assert_eq!(notify_name(0x20, 14), "NO_PROPOSAL_CHOSEN");
        assert_eq!(notify_name(0x10, 14), "NO-PROPOSAL-CHOSEN");
        assert_eq!(exchange_name(0x20, 43), "IKE_INTERMEDIATE");
        assert_eq!(exchange_name(0x10, 4), "aggressive mode");
        assert_eq!(payload_name(0x20, 53), "SKF");
        assert_eq!(payload_name(0x10, 132), "fragment");
    }

    #[test]
    fn what_has_no_name_is_told_by_number() {
        assert_eq!(notify_name(0x20, 40960), "notify 40960");
        assert_eq!(exchange_name(0x20, 250), "exchange 250");
        assert_eq!(payload_name(0x10, 200), "payload 200");
    }
}
