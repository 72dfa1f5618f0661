//! A client whose address changes in the middle of an IKE SA (MOBIKE, RFC 4555; a NAT with several addresses) is one client.

use std::net::IpAddr;

use super::conversation::{esp_log, ike_log};
use crate::verdict::pair::PairFlow;

/// Whether the flows of `later`, from another address to the same gateway, go on with what `earlier` began: an IKE SA whose first
/// message was sent from there, or ESP under its security parameter index. A capture on both sides of a NAT shows the first message
/// on both, and is no move.
pub(in crate::verdict) fn goes_on(earlier: &[PairFlow<'_>], later: &[PairFlow<'_>]) -> bool {
    let (began, begun_again) = (first_messages(earlier), first_messages(later));
    let known_spi = |spi: u64| began.contains(&spi) && !begun_again.contains(&spi);
    let messages = || later.iter().filter_map(|flow| ike_log(&flow.flow)).flat_map(|log| log.messages());
    if messages().next().is_some() {
        return messages().any(|message| known_spi(message.header.initiator_spi));
    }
    let sent = |flows: &[PairFlow<'_>]| -> Vec<(u32, crate::flow::Mark)> {
        let logs = flows.iter().filter_map(|flow| Some((flow.client_side, esp_log(&flow.flow)?)));
        logs.flat_map(|(client, log)| log.from(client))
            .filter_map(|spi| Some((spi.spi, spi.packets.first()?)))
            .collect()
    };
    let (before, after) = (sent(earlier), sent(later));
    !began.is_empty() && after.iter().any(|(spi, at)| before.iter().any(|(known, first)| known == spi && first < at))
}

/// The later address of a client that moved, for the display filter.
pub(in crate::verdict) fn addresses(flows: &[PairFlow<'_>], client: IpAddr) -> Vec<IpAddr> {
    let mut others: Vec<IpAddr> = flows
        .iter()
        .map(|flow| flow.flow.endpoints.side(flow.client_side).0)
        .filter(|address| *address != client)
        .collect();
    others.sort_unstable();
    others.dedup();
    others
}

/// The initiator SPIs of IKE SAs whose first message stands in these flows.
fn first_messages(flows: &[PairFlow<'_>]) -> Vec<u64> {
    let messages = flows.iter().filter_map(|flow| ike_log(&flow.flow)).flat_map(|log| log.messages());
    messages.filter(|message| message.header.responder_spi == 0).map(|message| message.header.initiator_spi).collect()
}
