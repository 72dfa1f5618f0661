//! Security association payloads in words: what was offered, or chosen.
//!
//! ```text
//! v1 only: +---------------------------------------------------------------+
//!          |        domain of interpretation, situation (4 bytes each)     |
//! each:    +---------------+---------------+-------------------------------+
//! proposal |   0, 2 more   |   reserved    |            length             |
//!          +---------------+---------------+---------------+---------------+
//!          |    number     |  protocol id  |   SPI size    |  transforms   |
//!          +---------------+---------------+---------------+---------------+
//!          |                        SPI, transforms                        |
//! each:    +---------------+---------------+-------------------------------+
//! trans-   |   0, 3 more   |   reserved    |            length             |
//! form     +---------------+---------------+-------------------------------+
//!     v2:  |     type      |   reserved    |         transform id          |
//!     v1:  |    number     | transform id  |           reserved            |
//!          +-+-------------+---------------+-------------------------------+
//!          |1|     attribute type (15)     |             value             |
//!          |0|     attribute type (15)     |   length of the value behind  |
//! ```

use std::borrow::Cow;

use crate::bytes::Reader;
use crate::proto::ike::algorithms::{
    aead_icv_len, authentication_of_v1, block_len, encryption_of_v1, group_name, hash_of_v1, icv_len, iv_len, prf_len,
    transform, transform_name,
};

/// Clients offer a handful; the bounds only keep the words of a forged payload short.
const MAX_PROPOSALS: usize = 16;
/// The longest real proposals (every cipher with every group) have about forty.
const MAX_TRANSFORMS: usize = 64;

/// The algorithms of an IKE SA, by IKEv2's numbers: of an answer, the chosen ones; of a request, the first of each type.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Suite {
    /// The cipher.
    pub encryption: Option<u16>,
    /// Its key length, where the cipher leaves it open.
    pub key_bits: Option<u16>,
    /// The pseudorandom function.
    pub prf: Option<u16>,
    /// The integrity algorithm; none beside an AEAD cipher, none in IKEv1.
    pub integrity: Option<u16>,
    /// The Diffie-Hellman group.
    pub group: Option<u16>,
}

impl Suite {
    /// Bytes of the initialization vector in an encrypted message; `None` where the cipher is not known here.
    pub fn iv_len(&self) -> Option<usize> {
        iv_len(self.encryption?)
    }

    /// Bytes to whose multiple an encrypted message is padded; 1 for a cipher that needs no padding.
    pub fn block_len(&self) -> Option<usize> {
        block_len(self.encryption?)
    }

    /// Bytes of the integrity check value at the end of an encrypted message of IKEv2.
    pub fn icv_len(&self) -> Option<usize> {
        aead_icv_len(self.encryption?).or_else(|| icv_len(self.integrity?))
    }

    /// Bytes of the pseudorandom function's output.
    pub fn prf_len(&self) -> Option<usize> {
        prf_len(self.prf?)
    }
}

/// An IKEv2 SA payload in words, proposals parted by `;`, and its first suite. `None` if nothing can be read.
pub(super) fn v2(body: &[u8]) -> Option<(String, Suite)> {
    let mut words = Words::default();
    let mut suite = None;
    for proposal in proposals(body) {
        let mut line = Proposal::default();
        transforms(proposal, |head, attributes| line.add(head, attributes));
        suite.get_or_insert(line.suite);
        words.add_proposal(&line.in_words());
    }
    Some((words.finish()?, suite?))
}

/// An IKEv1 SA payload in words: there, each transform is a suite of its own.
pub(super) fn v1(body: &[u8]) -> Option<(String, Suite)> {
    let mut words = Words::default();
    let mut first = None;
    for proposal in proposals(body.get(8..)?) {
        transforms(proposal, |_, attributes| {
            let (line, suite) = transform_v1(attributes);
            first.get_or_insert(suite);
            words.add_proposal(&line);
        });
    }
    Some((words.finish()?, first?))
}

/// The proposals' bodies, from the number on, as far as the capture holds them.
fn proposals(body: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut reader = Reader::new(body);
    std::iter::from_fn(move || next_item(&mut reader)).take(MAX_PROPOSALS)
}

/// Hands each transform's four bytes after its length, and its attributes, to `see`.
fn transforms(proposal: &[u8], mut see: impl FnMut([u8; 4], Attributes)) {
    let mut reader = Reader::new(proposal);
    let Some([_number, _protocol, spi_size, _count]) = reader.array() else { return };
    if reader.take(usize::from(spi_size)).is_none() {
        return;
    }
    for item in std::iter::from_fn(|| next_item(&mut reader)).take(MAX_TRANSFORMS) {
        if let Some((head, attributes)) = item.split_first_chunk() {
            see(*head, Attributes::read(attributes));
        }
    }
}

/// One proposal or transform: more-follows, reserved, length, body.
fn next_item<'a>(reader: &mut Reader<'a>) -> Option<&'a [u8]> {
    let _more = reader.u16()?;
    let len = usize::from(reader.u16()?).checked_sub(4)?;
    Some(reader.take_available(len)).filter(|body| !body.is_empty())
}

/// The attributes that count; in IKEv2 there is only the key length.
#[derive(Clone, Copy, Debug, Default)]
struct Attributes {
    cipher: Option<u16>,
    hash: Option<u16>,
    authentication: Option<u16>,
    group: Option<u16>,
    key_bits: Option<u16>,
}

impl Attributes {
    fn read(bytes: &[u8]) -> Attributes {
        let mut attributes = Attributes::default();
        let mut reader = Reader::new(bytes);
        while let (Some(kind), Some(value)) = (reader.u16(), reader.u16()) {
            if kind & 0x8000 == 0 {
                reader.take_available(usize::from(value));
                continue;
            }
            let field = match kind & 0x7fff {
                1 => &mut attributes.cipher,
                2 => &mut attributes.hash,
                3 => &mut attributes.authentication,
                4 => &mut attributes.group,
                14 => &mut attributes.key_bits,
                _ => continue,
            };
            *field = Some(value);
        }
        attributes
    }
}

/// What one IKEv2 proposal offers, by transform type.
#[derive(Default)]
struct Proposal {
    encryption: Words,
    integrity: Words,
    prf: Words,
    group: Words,
    additional: Words,
    suite: Suite,
}

impl Proposal {
    fn add(&mut self, [kind, _, id_high, id_low]: [u8; 4], attributes: Attributes) {
        let id = u16::from_be_bytes([id_high, id_low]);
        let (words, first) = match kind {
            transform::ENCRYPTION => {
                if self.suite.encryption.is_none() {
                    self.suite.key_bits = attributes.key_bits;
                }
                (&mut self.encryption, &mut self.suite.encryption)
            }
            transform::PRF => (&mut self.prf, &mut self.suite.prf),
            transform::INTEGRITY => (&mut self.integrity, &mut self.suite.integrity),
            transform::GROUP => (&mut self.group, &mut self.suite.group),
            6..=12 => return self.additional.add("/", &transform_name(kind, id, None)),
            _ => return,
        };
        first.get_or_insert(id);
        words.add("/", &transform_name(kind, id, attributes.key_bits));
    }

    fn in_words(self) -> String {
        let mut all = Words::default();
        for words in [self.encryption, self.integrity, self.prf, self.group, self.additional] {
            if let Some(words) = words.finish() {
                all.add(", ", &words);
            }
        }
        all.finish().unwrap_or_default()
    }
}

fn transform_v1(attributes: Attributes) -> (String, Suite) {
    let encryption = attributes.cipher.and_then(encryption_of_v1);
    let hash = attributes.hash.and_then(hash_of_v1);
    let suite = Suite {
        encryption,
        key_bits: attributes.key_bits,
        prf: hash.map(|(_, prf)| prf),
        integrity: None,
        group: attributes.group,
    };
    let mut words = Words::default();
    if let Some(cipher) = attributes.cipher {
        words.add(
            ", ",
            &match encryption {
                Some(id) => transform_name(transform::ENCRYPTION, id, attributes.key_bits),
                None => Cow::Owned(format!("encryption {cipher}")),
            },
        );
    }
    if let Some(number) = attributes.hash {
        words.add(", ", &hash.map_or_else(|| Cow::Owned(format!("hash {number}")), |(name, _)| Cow::Borrowed(name)));
    }
    if let Some(group) = attributes.group {
        words.add(", ", &group_name(group));
    }
    if let Some(method) = attributes.authentication {
        words.add(", ", &authentication_of_v1(method));
    }
    (words.finish().unwrap_or_default(), suite)
}

/// Words joined by a separator; empty ones do not count.
#[derive(Default)]
struct Words(String);

impl Words {
    fn add(&mut self, separator: &str, word: &str) {
        if !self.0.is_empty() {
            self.0.push_str(separator);
        }
        self.0.push_str(word);
    }

    fn add_proposal(&mut self, words: &str) {
        if !words.is_empty() {
            self.add("; ", words);
        }
    }

    fn finish(self) -> Option<String> {
        (!self.0.is_empty()).then_some(self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{MAX_PROPOSALS, Suite, proposals, transforms, v1, v2};
    use crate::proto::laid_out::{at_every_cut, hex, is_inside};

    const CHOSEN: &str = "00 00 002c | number, IKE, no SPI, 4 transforms | 01 01 00 04
        | AES-CBC | 03 00 000c 01 00 000c | key length | 800e 0100
        | PRF | 03 00 0008 02 00 0005 | integrity | 03 00 0008 03 00 000c | group 14 | 00 00 0008 04 00 000e";

    #[test]
    fn one_chosen_proposal() {
        let (words, suite) = v2(&hex(CHOSEN)).unwrap();
        assert_eq!(words, "AES-CBC-256, HMAC-SHA2-256-128, PRF-HMAC-SHA2-256, MODP-2048");
        let wanted =
            Suite { encryption: Some(12), key_bits: Some(256), prf: Some(5), integrity: Some(12), group: Some(14) };
        assert_eq!(suite, wanted);
        assert_eq!((suite.iv_len(), suite.block_len()), (Some(16), Some(16)));
        assert_eq!((suite.icv_len(), suite.prf_len()), (Some(16), Some(32)));
    }

    #[test]
    fn alternatives_and_a_second_proposal() {
        let offer = hex("02 00 002c 01 01 00 04
            | GCM-16 256 | 03 00 000c 01 00 0014 800e 0100 | PRF 384 | 03 00 0008 02 00 0006
            | groups | 03 00 0008 04 00 0013 | | 00 00 0008 04 00 001f
            | second | 00 00 001c 02 01 00 02 | 3DES | 03 00 0008 01 00 0003 | ML-KEM, additional | 00 00 0008 06 00 0024");
        let (words, suite) = v2(&offer).unwrap();
        assert_eq!(words, "AES-GCM-16-256, PRF-HMAC-SHA2-384, ECP-256/Curve25519; 3DES, ML-KEM-768");
        assert_eq!((suite.iv_len(), suite.block_len(), suite.icv_len()), (Some(8), Some(1), Some(16)));
        assert_eq!(suite.group, Some(19), "the first one");
    }

    #[test]
    fn version_1_transforms() {
        let body = hex("00000001 00000001 | proposal | 00 00 0048 01 01 00 02
            | AES 256, SHA2-256, group 14, XAUTH, seconds, 86400 | 03 00 0024 01 01 0000
            8001 0007 800e 0100 8002 0004 8004 000e 8003 fde9 800b 0001 000c 0004 00015180
            | 3DES, SHA1, group 2, PSK | 00 00 0018 02 01 0000 8001 0005 8002 0002 8004 0002 8003 0001");
        let (words, suite) = v1(&body).unwrap();
        assert_eq!(words, "AES-CBC-256, SHA2-256, MODP-2048, XAUTH-PSK; 3DES, SHA1, MODP-1024, PSK");
        assert_eq!((suite.encryption, suite.prf_len(), suite.icv_len()), (Some(12), Some(32), None));
    }

    #[test]
    fn what_has_no_name_is_told_by_number() {
        let body = hex("00 00 0018 01 01 00 02 | ? | 03 00 0008 01 00 03e7 | ? | 00 00 0008 04 00 03e6");
        assert_eq!(v2(&body).unwrap().0, "encryption 999, group 998");
    }

    #[test]
    fn cut_at_every_length() {
        let body = hex(CHOSEN);
        at_every_cut(&body, |cut| {
            let words = v2(cut).map(|(words, _)| words);
            assert_eq!(words.is_some(), cut.len() >= 16, "at {}", cut.len());
        });
        at_every_cut(&body, |cut| drop(v1(cut)));
    }

    #[test]
    fn what_a_cut_proposal_says_the_whole_says_too() {
        let body = hex(CHOSEN);
        let (_, whole) = v2(&body).unwrap();
        at_every_cut(&body, |cut| {
            let Some((words, suite)) = v2(cut) else { return };
            assert!(words.starts_with("AES-CBC"), "{words}");
            let kept = |cut: Option<u16>, whole: Option<u16>| cut.is_none() || cut == whole;
            assert!(kept(suite.encryption, whole.encryption) && kept(suite.key_bits, whole.key_bits));
            assert!(kept(suite.prf, whole.prf) && kept(suite.integrity, whole.integrity));
            assert!(kept(suite.group, whole.group));
        });
    }

    /// Proposals of transforms, each of which may claim a length of its own.
    fn bytes_of_proposals() -> impl Strategy<Value = Vec<u8>> {
        let item = (0u8..24, prop::collection::vec(any::<u8>(), 0..16))
            .prop_map(|(length, body)| [&[3, 0, 0, length][..], &body].concat());
        prop::collection::vec(item, 0..40).prop_map(|items| items.concat())
    }

    proptest! {
        #[test]
        fn any_bytes(body in prop_oneof![any::<Vec<u8>>(), bytes_of_proposals()]) {
            let seen: Vec<_> = proposals(&body).collect();
            prop_assert!(seen.len() <= (body.len() / 4).min(MAX_PROPOSALS));
            prop_assert!(seen.iter().all(|proposal| is_inside(proposal, &body)));
            let mut count = 0;
            seen.iter().for_each(|proposal| transforms(proposal, |_, _| count += 1));
            prop_assert!(count <= body.len() / 8, "a transform has eight bytes");
            let words = [v1(&body), v2(&body)];
            // The longest words of a transform have some thirty letters.
            prop_assert!(words.iter().flatten().all(|(words, _)| !words.is_empty() && words.len() <= 16 * (body.len() + 8)));
        }
    }
}
