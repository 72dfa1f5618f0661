//! Alerts, as long as they are in clear.

use std::borrow::Cow;

/// An alert in clear: two bytes, level and description. An encrypted one is longer and says nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Alert {
    /// 1 warning, 2 fatal. TLS 1.3 gives it no meaning.
    pub level: u8,
    /// What is wrong; [`alert_name`] words it.
    pub description: u8,
}

impl Alert {
    /// Reads the whole content of an alert record; `None` if it is not an alert in clear.
    pub fn parse(body: &[u8]) -> Option<Alert> {
        match *body {
            [level @ 1..=2, description] => Some(Alert { level, description }),
            _ => None,
        }
    }

    /// Whether this ends the connection in good order (close_notify).
    pub fn is_close(&self) -> bool {
        self.description == 0
    }

    /// Whether the sender refuses the other side's certificate (42 to 46, 48).
    pub fn is_about_certificate(&self) -> bool {
        matches!(self.description, 42..=46 | 48)
    }
}

/// The name of an alert description (IANA "tls-parameters").
pub fn alert_name(description: u8) -> Cow<'static, str> {
    let known = match description {
        0 => "close_notify",
        10 => "unexpected_message",
        20 => "bad_record_mac",
        21 => "decryption_failed",
        22 => "record_overflow",
        30 => "decompression_failure",
        40 => "handshake_failure",
        41 => "no_certificate",
        42 => "bad_certificate",
        43 => "unsupported_certificate",
        44 => "certificate_revoked",
        45 => "certificate_expired",
        46 => "certificate_unknown",
        47 => "illegal_parameter",
        48 => "unknown_ca",
        49 => "access_denied",
        50 => "decode_error",
        51 => "decrypt_error",
        52 => "too_many_cids_requested",
        60 => "export_restriction",
        70 => "protocol_version",
        71 => "insufficient_security",
        80 => "internal_error",
        86 => "inappropriate_fallback",
        90 => "user_canceled",
        100 => "no_renegotiation",
        109 => "missing_extension",
        110 => "unsupported_extension",
        111 => "certificate_unobtainable",
        112 => "unrecognized_name",
        113 => "bad_certificate_status_response",
        114 => "bad_certificate_hash_value",
        115 => "unknown_psk_identity",
        116 => "certificate_required",
        117 => "general_error",
        120 => "no_application_protocol",
        121 => "ech_required",
        _ => return Cow::Owned(format!("alert {description}")),
    };
    Cow::Borrowed(known)
}

#[cfg(test)]
mod tests {
    use super::{Alert, alert_name};

    #[test]
    fn two_bytes_with_a_known_level() {
        assert_eq!(Alert::parse(&[2, 48]), Some(Alert { level: 2, description: 48 }));
        assert_eq!(Alert::parse(&[3, 48]), None);
        assert_eq!(Alert::parse(&[2]), None);
        assert_eq!(Alert::parse(&[2, 48, 0]), None);
    }

    #[test]
    fn names() {
        assert_eq!(alert_name(116), "certificate_required");
        assert_eq!(alert_name(200), "alert 200");
        assert!(Alert { level: 2, description: 48 }.is_about_certificate());
        assert!(Alert { level: 1, description: 0 }.is_close());
    }
}
