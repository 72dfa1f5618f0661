//! Names and sizes of the algorithms that IKE negotiates (IANA "ikev2-parameters", transform types 1 to 4).

use std::borrow::Cow;

/// Transform types of IKEv2.
pub(super) mod transform {
    pub(in super::super) const ENCRYPTION: u8 = 1;
    pub(in super::super) const PRF: u8 = 2;
    pub(in super::super) const INTEGRITY: u8 = 3;
    pub(in super::super) const GROUP: u8 = 4;
}

/// What a transform is called: `AES-CBC-256`, `HMAC-SHA2-256-128`, `PRF-HMAC-SHA2-256`, `MODP-2048`.
/// `kind` is the transform type of IKEv2; types 6 to 12 are further key exchanges (RFC 9370).
pub fn transform_name(kind: u8, id: u16, key_bits: Option<u16>) -> Cow<'static, str> {
    let known = match kind {
        transform::ENCRYPTION => return encryption_name(id, key_bits),
        transform::PRF => prf(id),
        transform::INTEGRITY => integrity(id),
        transform::GROUP | 6..=12 => return group_name(id),
        _ => None,
    };
    known.map_or_else(|| Cow::Owned(format!("transform {kind}/{id}")), Cow::Borrowed)
}

/// What a Diffie-Hellman group, or another key exchange method, is called.
pub fn group_name(id: u16) -> Cow<'static, str> {
    let known = match id {
        0 => "no group",
        1 => "MODP-768",
        2 => "MODP-1024",
        5 => "MODP-1536",
        14 => "MODP-2048",
        15 => "MODP-3072",
        16 => "MODP-4096",
        17 => "MODP-6144",
        18 => "MODP-8192",
        19 => "ECP-256",
        20 => "ECP-384",
        21 => "ECP-521",
        22 => "MODP-1024-160",
        23 => "MODP-2048-224",
        24 => "MODP-2048-256",
        25 => "ECP-192",
        26 => "ECP-224",
        27 => "brainpoolP224r1",
        28 => "brainpoolP256r1",
        29 => "brainpoolP384r1",
        30 => "brainpoolP512r1",
        31 => "Curve25519",
        32 => "Curve448",
        35 => "ML-KEM-512",
        36 => "ML-KEM-768",
        37 => "ML-KEM-1024",
        _ => return Cow::Owned(format!("group {id}")),
    };
    Cow::Borrowed(known)
}

fn encryption_name(id: u16, key_bits: Option<u16>) -> Cow<'static, str> {
    let known = match id {
        2 => "DES",
        3 => "3DES",
        5 => "IDEA",
        6 => "CAST",
        7 => "BLOWFISH",
        11 => "NULL",
        12 => "AES-CBC",
        13 => "AES-CTR",
        14 => "AES-CCM-8",
        15 => "AES-CCM-12",
        16 => "AES-CCM-16",
        18 => "AES-GCM-8",
        19 => "AES-GCM-12",
        20 => "AES-GCM-16",
        23 => "CAMELLIA-CBC",
        24 => "CAMELLIA-CTR",
        25 => "CAMELLIA-CCM-8",
        26 => "CAMELLIA-CCM-12",
        27 => "CAMELLIA-CCM-16",
        28 => "CHACHA20-POLY1305",
        _ => return Cow::Owned(format!("encryption {id}")),
    };
    key_bits.map_or(Cow::Borrowed(known), |bits| Cow::Owned(format!("{known}-{bits}")))
}

fn prf(id: u16) -> Option<&'static str> {
    Some(match id {
        1 => "PRF-HMAC-MD5",
        2 => "PRF-HMAC-SHA1",
        4 => "PRF-AES128-XCBC",
        5 => "PRF-HMAC-SHA2-256",
        6 => "PRF-HMAC-SHA2-384",
        7 => "PRF-HMAC-SHA2-512",
        8 => "PRF-AES128-CMAC",
        _ => return None,
    })
}

fn integrity(id: u16) -> Option<&'static str> {
    Some(match id {
        0 => "no integrity",
        1 => "HMAC-MD5-96",
        2 => "HMAC-SHA1-96",
        5 => "AES-XCBC-96",
        6 => "HMAC-MD5-128",
        7 => "HMAC-SHA1-160",
        8 => "AES-CMAC-96",
        9 => "AES-128-GMAC",
        10 => "AES-192-GMAC",
        11 => "AES-256-GMAC",
        12 => "HMAC-SHA2-256-128",
        13 => "HMAC-SHA2-384-192",
        14 => "HMAC-SHA2-512-256",
        _ => return None,
    })
}

/// Bytes of the initialization vector that is sent with each message.
pub(super) fn iv_len(encryption: u16) -> Option<usize> {
    Some(match encryption {
        2 | 3 | 5..=7 | 13..=16 | 18..=20 | 24..=28 => 8,
        12 | 23 => 16,
        _ => return None,
    })
}

/// Bytes to whose multiple the plaintext is padded; 1 where a cipher needs none (IKE then adds one length byte only).
pub(super) fn block_len(encryption: u16) -> Option<usize> {
    Some(match encryption {
        2 | 3 | 5..=7 => 8,
        12 | 23 => 16,
        13..=16 | 18..=20 | 24..=28 => 1,
        _ => return None,
    })
}

/// Bytes of the integrity check value of an AEAD cipher; `None` if it is none.
pub(super) fn aead_icv_len(encryption: u16) -> Option<usize> {
    Some(match encryption {
        14 | 18 | 25 => 8,
        15 | 19 | 26 => 12,
        16 | 20 | 27 | 28 => 16,
        _ => return None,
    })
}

/// Bytes of the integrity check value of an integrity algorithm.
pub(super) fn icv_len(integrity: u16) -> Option<usize> {
    Some(match integrity {
        1 | 2 | 5 | 8 => 12,
        6 | 9..=12 => 16,
        7 => 20,
        13 => 24,
        14 => 32,
        _ => return None,
    })
}

/// Bytes that a pseudorandom function gives: also the length of a shared-key AUTH.
pub(super) fn prf_len(prf: u16) -> Option<usize> {
    Some(match prf {
        1 | 4 | 8 => 16,
        2 => 20,
        5 => 32,
        6 => 48,
        7 => 64,
        _ => return None,
    })
}

/// IKEv2's number of an IKEv1 cipher (IANA "ipsec-registry", attribute 1).
pub(super) fn encryption_of_v1(cipher: u16) -> Option<u16> {
    Some(match cipher {
        1 => 2,
        2 => 5,
        3 => 7,
        5 => 3,
        6 => 6,
        7 => 12,
        8 => 23,
        _ => return None,
    })
}

/// An IKEv1 hash (attribute 2): its name, and IKEv2's number of the pseudorandom function made of it.
pub(super) fn hash_of_v1(hash: u16) -> Option<(&'static str, u16)> {
    Some(match hash {
        1 => ("MD5", 1),
        2 => ("SHA1", 2),
        4 => ("SHA2-256", 5),
        5 => ("SHA2-384", 6),
        6 => ("SHA2-512", 7),
        _ => return None,
    })
}

/// An IKEv1 authentication method (attribute 3; the high ones are XAUTH's and hybrid's).
pub(super) fn authentication_of_v1(method: u16) -> Cow<'static, str> {
    let known = match method {
        1 => "PSK",
        2 => "DSS",
        3 => "RSA",
        4 | 5 => "RSA encryption",
        9 => "ECDSA-256",
        10 => "ECDSA-384",
        11 => "ECDSA-521",
        64221 | 64222 => "hybrid RSA",
        65001 | 65002 => "XAUTH-PSK",
        65005 | 65006 => "XAUTH-RSA",
        _ => return Cow::Owned(format!("authentication {method}")),
    };
    Cow::Borrowed(known)
}
