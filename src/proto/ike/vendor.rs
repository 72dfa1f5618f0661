//! Who the peers say they are: vendor IDs. Many are the MD5 of a sentence, given in the comment behind them.

use std::borrow::Cow;

use crate::bytes::Reader;
use crate::text;

/// FortiGate: this, then two bytes of release and two of build (Wireshark, packet-isakmp.c).
const FORTIGATE: [u8; 12] = [0x82, 0x99, 0x03, 0x17, 0x57, 0xa3, 0x60, 0x82, 0xc6, 0xa6, 0x21, 0xde];

/// Known beginnings; what follows is a version or nothing.
const KNOWN: &[(&[u8], &str)] = &[
    (&bytes(0x4c53427b6d465d1b337bb755a37a7fef), "FortiClient"), // "forticlient connect license"
    (&bytes(0xb4f01ca951e9da8d0bafbbd34ad3044e), "Fortinet Endpoint Control"), // "Fortinet Endpoint Control"
    (&bytes(0x882fe56d6fd20dbc2251613b2ebe5beb), "strongSwan"),  // "strongSwan"
    (b"OE-Libreswan", "libreswan"),
    (b"OpenIKED", "OpenIKED"),
    (&bytes(0x7003cbc1097dbe9c2600ba6983bc8b35), "racoon"), // "KAME/racoon"
    (&[0x12, 0xf5, 0xf2, 0x8c, 0x45, 0x71, 0x68, 0xa9, 0x70, 0x2d, 0x9f, 0xe2, 0x74, 0xcc], "Cisco Unity"),
    (b"CISCO-DELETE-REASON", "Cisco delete reason"),
    (b"CISCO(COPYRIGHT)", "Cisco"),
    (b"CISCOVPN-REV-02", "Cisco VPN"),
    (b"FLEXVPN-SUPPORTED", "Cisco FlexVPN"),
    (&bytes(0x1e2b516905991c7d7c96fcbfb587e461), "Microsoft"), // "MS NT5 ISAKMPOAKLEY"
    (&bytes(0x26244d38eddb61b3172a36e3d0cfb819), "Microsoft initial contact"), // "Vid-Initial-Contact"
    (&bytes(0xfb1de3cdf341b7ea16b7e5be0855f120), "Microsoft negotiation discovery"), // "MS-Negotiation Discovery Capable"
    (&bytes(0xe3a5966a76379fe707228231e5ce8652), "Microsoft CGA"),                   // "IKE CGA version 1"
    (&bytes(0x214ca4faffa7f32d6748e5303395ae83), "Microsoft MamieExists"),           // "MS-MamieExists"
    (&bytes(0x621b04bb09882ac1e15935fefa24aeee), "GSSAPI"),                          // "GSSAPI"
    (&[0xf4, 0xed, 0x19, 0xe0, 0xc1, 0x14, 0xeb, 0x51, 0x6f, 0xaa, 0xac, 0x0e, 0xe3, 0x7d, 0xaf, 0x28], "Check Point"),
    (&[0x09, 0x00, 0x26, 0x89, 0xdf, 0xd6, 0xb7, 0x12], "XAUTH"),
    (&[0xaf, 0xca, 0xd7, 0x13, 0x68, 0xa1, 0xf1, 0xc9, 0x6b, 0x86, 0x96, 0xfc, 0x77, 0x57], "DPD"),
    (&bytes(0x4048b7d56ebce88525e7de7f00d6c2d3), "IKE fragmentation"), // "FRAGMENTATION"
    (&bytes(0x4a131c81070358455c5728f20e95452f), "NAT-T RFC 3947"),    // "RFC 3947"
    (&bytes(0x8f8d83826d246b6fc7a8a6a428c11de8), "NAT-T draft 08"),    // "draft-ietf-ipsec-nat-t-ike-08"
    (&bytes(0x7d9419a65310ca6f2c179d9215529d56), "NAT-T draft 03"),    // the same with -03
    (&bytes(0xcd60464335df21f87cfdb2fc68b6a448), "NAT-T draft 02"),    // the same with -02
    (&bytes(0x90cb80913ebb696e086381b5ec427b1f), "NAT-T draft 02"),    // the same with -02 and a line feed
    (&bytes(0x16f6ca16e4a4066d83821a0f0aeaa862), "NAT-T draft 01"),    // the same with -01
    (&bytes(0x4485152d18b6bbcd0be8a8469579ddcc), "NAT-T draft 00"),    // the same with -00
    (b"HeartBeat_Notify", "Juniper heartbeat"),
];

const fn bytes(digest: u128) -> [u8; 16] {
    digest.to_be_bytes()
}

/// Who or what a vendor ID stands for, with the version where it is in clear; `None` if it is not known here.
pub(super) fn name(body: &[u8]) -> Option<Cow<'static, str>> {
    if let Some(version) = body.strip_prefix(&FORTIGATE) {
        return Some(fortigate(version));
    }
    let (start, name) = KNOWN.iter().find(|(start, _)| body.starts_with(start))?;
    match body.strip_prefix(*start) {
        Some([b'-', version @ ..]) if *name == "libreswan" => {
            Some(Cow::Owned(format!("libreswan {}", text::from_packet(version))))
        }
        _ => Some(Cow::Borrowed(name)),
    }
}

fn fortigate(version: &[u8]) -> Cow<'static, str> {
    let mut reader = Reader::new(version);
    match (reader.u16(), reader.u16()) {
        (Some(release), Some(build)) if release != 0 || build != 0 => {
            Cow::Owned(format!("FortiGate (release {release}, build {build})"))
        }
        _ => Cow::Borrowed("FortiGate"),
    }
}

#[cfg(test)]
mod tests {
    use super::name;
    use crate::proto::laid_out::{at_every_cut, hex};

    #[test]
    fn known_beginnings() {
        for (body, wanted) in [
            ("4c53427b6d465d1b337bb755a37a7fef", "FortiClient"),
            ("b4f01ca951e9da8d0bafbbd34ad3044e", "Fortinet Endpoint Control"),
            ("8299031757a36082c6a621de 0006 06c4", "FortiGate (release 6, build 1732)"),
            ("8299031757a36082c6a621de 00000000", "FortiGate"),
            ("12f5f28c457168a9702d9fe274cc 0100", "Cisco Unity"),
            ("1e2b516905991c7d7c96fcbfb587e461 00000009", "Microsoft"),
            ("afcad71368a1f1c96b8696fc7757 0100", "DPD"),
            ("09002689dfd6b712", "XAUTH"),
            ("4048b7d56ebce88525e7de7f00d6c2d3 80000000", "IKE fragmentation"),
        ] {
            assert_eq!(name(&hex(body)).as_deref(), Some(wanted));
        }
        assert_eq!(name(b"OE-Libreswan-5.1\x1b").as_deref(), Some("libreswan 5.1\\u{1b}"));
    }

    #[test]
    fn unknown_or_cut_is_nobody() {
        assert_eq!(name(&[0x55; 16]), None);
        assert_eq!(name(&[]), None);
        at_every_cut(&hex("4c53427b6d465d1b337bb755a37a7fef"), |cut| assert_eq!(name(cut).is_some(), cut.len() == 16));
    }
}
