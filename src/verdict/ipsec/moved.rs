//! A client whose address changes in the middle of an IKE SA (MOBIKE, RFC 4555; a NAT with several addresses) is one client.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::conversation::{esp_log, ike_log};
use crate::flow::Mark;
use crate::verdict::pair::PairFlow;

/// What the clients of one gateway began, by the place of the client.
#[derive(Default)]
struct Begun {
    /// IKE SAs, by initiator SPI. A capture on both sides of a NAT shows the first message on both, and is no move.
    sas: BTreeMap<u64, Vec<usize>>,
    /// ESP of the client, by security parameter index: the first to use it.
    esp: BTreeMap<u32, (Mark, usize)>,
}

/// Which clients of a gateway go on with what another one began: the place of the later one, and of the one that it was before. `clients` are
/// the flows of each, from its address to the gateway.
pub(in crate::verdict) fn moves(clients: &[&[PairFlow<'_>]]) -> Vec<(usize, usize)> {
    let mut begun = Begun::default();
    for (at, flows) in clients.iter().enumerate() {
        for spi in first_messages(flows) {
            begun.sas.entry(spi).or_default().push(at);
        }
        for (spi, first) in sent(flows) {
            let known = begun.esp.entry(spi).or_insert((first, at));
            *known = (*known).min((first, at));
        }
    }
    let moved = clients.iter().enumerate().filter_map(|(at, flows)| Some((at, begun.earlier(at, flows, clients)?)));
    moved.collect()
}

impl Begun {
    fn earlier(&self, at: usize, flows: &[PairFlow<'_>], clients: &[&[PairFlow<'_>]]) -> Option<usize> {
        let spoke_ike = flows.iter().any(|flow| ike_log(&flow.flow).is_some());
        if spoke_ike {
            let spis = flows.iter().filter_map(|flow| ike_log(&flow.flow)).flat_map(|log| log.messages());
            return spis
                .filter_map(|message| self.sas.get(&message.header.initiator_spi))
                .find(|beginners| !beginners.contains(&at))
                .and_then(|beginners| beginners.first().copied());
        }
        let mut known = sent(flows).into_iter().filter_map(|(spi, first)| Some((first, *self.esp.get(&spi)?)));
        let (_, (_, earlier)) = known.find(|(first, (known, earlier))| *earlier != at && known < first)?;
        // Without IKE of the one before, nothing ties the two together but a number.
        clients.get(earlier).is_some_and(|flows| !first_messages(flows).is_empty()).then_some(earlier)
    }
}

/// The later addresses of a client that moved, for the display filter.
pub(in crate::verdict) fn addresses(flows: &[PairFlow<'_>], client: IpAddr) -> Vec<IpAddr> {
    let all = flows.iter().map(|flow| flow.flow.endpoints.side(flow.client_side).0);
    let mut others: Vec<IpAddr> = all.filter(|address| *address != client).collect();
    others.sort_unstable();
    others.dedup();
    others
}

/// The initiator SPIs of IKE SAs whose first message stands in these flows.
fn first_messages(flows: &[PairFlow<'_>]) -> Vec<u64> {
    let messages = flows.iter().filter_map(|flow| ike_log(&flow.flow)).flat_map(|log| log.messages());
    let first =
        messages.filter(|message| message.header.responder_spi == 0).map(|message| message.header.initiator_spi);
    let mut spis: Vec<u64> = first.collect();
    spis.sort_unstable();
    spis.dedup();
    spis
}

/// The security parameter indexes of the client's ESP, with their first packets.
fn sent(flows: &[PairFlow<'_>]) -> Vec<(u32, Mark)> {
    let logs = flows.iter().filter_map(|flow| Some((flow.client_side, esp_log(&flow.flow)?)));
    logs.flat_map(|(client, log)| log.from(client)).filter_map(|spi| Some((spi.spi, spi.packets.first()?))).collect()
}
