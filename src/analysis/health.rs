//! Whether a capture can support a verdict: which clients it shows from one side only, and what it lost.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::Analysis;
use crate::flow::{FlowView, Mark, Marks};

/// A client whose acknowledgements of unseen bytes are at least one in this many of its connections is seen from one side;
/// fewer are drops.
const ONE_SIDED_SHARE: usize = 2;

/// What limits the verdicts that a capture supports.
#[derive(Clone, Debug, Default)]
pub struct Health {
    one_sided: BTreeMap<IpAddr, Marks>,
    /// Packets that the capture itself reports as lost.
    pub dropped: u64,
    /// Packets captured.
    pub packets: u64,
    /// Flows that a verdict may have rested on, given up for lack of memory.
    pub evicted: u64,
}

impl Health {
    /// Reads the health of a capture off its flows.
    pub fn of(analysis: &Analysis, flows: &[FlowView<'_>]) -> Self {
        let answered: BTreeSet<u64> = flows
            .iter()
            .flat_map(|flow| {
                let server = flow.client_side().other();
                let log = flow.udp().and_then(|udp| udp.ike.as_ref());
                log.into_iter().flat_map(|ike| ike.messages()).filter(move |message| message.side == server)
            })
            .map(|message| message.header.initiator_spi)
            .collect();
        let mut suspicious: BTreeMap<IpAddr, Marks> = BTreeMap::new();
        let mut whole: BTreeMap<IpAddr, usize> = BTreeMap::new();
        let mut lacking: BTreeMap<IpAddr, BTreeSet<u64>> = BTreeMap::new();
        for flow in flows {
            let client = flow.client().0;
            match proof_of_unseen(flow, &answered) {
                Some(mark) => {
                    suspicious.entry(client).or_default().push(mark);
                    lacking.entry(client).or_default().insert(flow.first().frame);
                }
                None if flow.is_two_way() => *whole.entry(client).or_default() += 1,
                None => {}
            }
        }
        suspicious.retain(|client, _| {
            let lacking = lacking.get(client).map_or(0, BTreeSet::len);
            lacking * ONE_SIDED_SHARE >= whole.get(client).copied().unwrap_or(0).max(1)
        });
        Health {
            one_sided: suspicious,
            dropped: analysis.info.dropped_packets().unwrap_or(0),
            packets: analysis.info.packets,
            evicted: analysis.evicted.evidence,
        }
    }

    /// The frames in which a client acts on packets that the capture lacks; none where it is seen from both sides.
    pub fn one_sided(&self, client: IpAddr) -> Option<&Marks> {
        self.one_sided.get(&client)
    }

    /// The share of packets that the capture itself lost, from 0 to 1.
    pub fn dropped_share(&self) -> f64 {
        let all = self.dropped + self.packets;
        if all == 0 { 0.0 } else { self.dropped as f64 / all as f64 }
    }

    /// Every client that is seen from one side.
    pub fn one_sided_clients(&self) -> impl Iterator<Item = IpAddr> {
        self.one_sided.keys().copied()
    }
}

/// The first frame in which the client of a flow shows that it received something which the capture lacks, although the
/// server's side of the flow is missing altogether. `answered` are the IKE SAs that were answered in any flow: IKE moves between
/// ports.
fn proof_of_unseen(flow: &FlowView<'_>, answered: &BTreeSet<u64>) -> Option<Mark> {
    let (client, server) = (flow.client_side(), flow.client_side().other());
    if flow.packets(server) > 0 {
        return None;
    }
    if let Some(tcp) = flow.tcp() {
        return tcp.half(client).acks_of_unseen.first();
    }
    // An IKE request under a responder's SPI (RFC 7296, 2.6) continues an exchange whose answer is not here.
    let messages = flow.udp()?.ike.as_ref()?.messages();
    let continued = messages.iter().find(|message| {
        message.side == client && message.header.responder_spi != 0 && !answered.contains(&message.header.initiator_spi)
    })?;
    continued.sent.first()
}
