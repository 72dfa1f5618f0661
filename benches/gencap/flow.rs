//! What the flows of a capture are: who speaks with whom, over which port, and for how long.

use super::random::Random;

/// Index of the client in the pairs of a [`Flow`].
pub(crate) const CLIENT: usize = 0;
/// Index of the server.
pub(crate) const SERVER: usize = 1;

/// What a flow carries, and how it ends.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Tls,
    Http,
    Smtp,
    /// Ports that no table knows: SMB, RDP, SIP and the like.
    OtherTcp,
    /// A SYN that nothing answers, sent again.
    SynLost,
    /// A SYN that is answered with RST.
    SynReset,
    Dns,
    Quic,
    Syslog,
    RatingUdp,
    Ntp,
    Mdns,
    /// A datagram that is answered with port unreachable.
    UdpRefused,
    Echo,
    /// IKEv2, then ESP in UDP 4500.
    TunnelNatT,
    /// IKEv2, then ESP.
    TunnelEsp,
    /// An IKE_SA_INIT that nothing answers.
    IkeLost,
    IkeTcp,
    Arp,
    /// Small segments on ports of no meaning.
    SmallTcp,
    /// Small datagrams on ports of no meaning.
    SmallUdp,
}

/// One flow: its constants and how far it has come. Pairs are indexed by [`CLIENT`] and [`SERVER`].
pub(crate) struct Flow {
    pub(crate) kind: Kind,
    pub(crate) v6: bool,
    /// VLAN identifier; 0 for an untagged frame.
    pub(crate) vlan: u16,
    pub(crate) mac: [[u8; 6]; 2],
    /// An IPv4 address fills the first four bytes.
    pub(crate) addr: [[u8; 16]; 2],
    pub(crate) port: [u16; 2],
    /// TCP sequence numbers.
    pub(crate) seq: [u32; 2],
    /// ESP, and its sequence numbers.
    pub(crate) spi: [u32; 2],
    pub(crate) esp_seq: [u32; 2],
    pub(crate) ike_spi: [u64; 2],
    /// IPv4 identification, counted up.
    pub(crate) ident: u16,
    /// Which host name it asks for.
    pub(crate) name: u32,
    /// Whether the SYNs carry a window scale (a second length of TCP options).
    pub(crate) window_scale: bool,
    /// Whether the client sends the bulk of the data.
    pub(crate) upload: bool,
    /// How many packets of data it has between its beginning and its end.
    pub(crate) data_packets: u32,
    /// How many packets it has sent so far.
    pub(crate) step: u32,
}

impl Flow {
    /// A new flow of this kind: one in ten IPv6, one client in fifty on a tagged VLAN, few gateways, many web servers.
    pub(crate) fn start(kind: Kind, random: &mut Random) -> Flow {
        let v6 = random.chance(0.10) && kind != Kind::Arp;
        let client = random.below(2000);
        let vlan = if client % 50 == 7 { 100 + (client % 4) as u16 } else { 0 };
        let port = [client_port(kind, random), server_port(kind, random)];
        let server = server(kind, random);
        Flow {
            kind,
            v6,
            vlan,
            mac: [[0x02, 0x10, 0x20, 0, (client >> 8) as u8, client as u8], [0x02, 0, 0x5e, 0, 0, 1]],
            addr: if v6 { addresses_v6(kind, client, server) } else { addresses_v4(kind, client, server) },
            port,
            seq: [random.next() as u32, random.next() as u32],
            spi: [(random.next() as u32) | 0x0100_0000, (random.next() as u32) | 0x0200_0000],
            esp_seq: [1, 1],
            ike_spi: [random.next() | 1, random.next() | 1],
            ident: random.next() as u16,
            name: random.below(900),
            window_scale: random.chance(0.7) && !matches!(kind, Kind::SmallTcp),
            upload: random.chance(0.2) && !matches!(kind, Kind::Http | Kind::Smtp),
            data_packets: data_packets(kind, random),
            step: 0,
        }
    }

    /// The bytes of an address, 4 or 16.
    pub(crate) fn address(&self, side: usize) -> &[u8] {
        &self.addr[side][..if self.v6 { 16 } else { 4 }]
    }
}

fn server_port(kind: Kind, random: &mut Random) -> u16 {
    match kind {
        Kind::Tls => random.pick(&[443, 443, 443, 443, 443, 443, 443, 8013, 8013, 514, 8001, 8888]),
        Kind::Http => 80,
        Kind::Smtp => 25,
        Kind::OtherTcp => random.pick(&[445, 3389, 9443, 5061, 10443]),
        Kind::SynLost | Kind::SynReset => random.pick(&[443, 8013, 514, 8001, 8888, 80, 10443]),
        Kind::Dns => 53,
        Kind::Quic => 443,
        Kind::Syslog => 514,
        Kind::RatingUdp | Kind::UdpRefused => 8888,
        Kind::Ntp => 123,
        Kind::Mdns => 5353,
        Kind::TunnelNatT | Kind::TunnelEsp | Kind::IkeLost => 500,
        Kind::IkeTcp => 4500,
        Kind::Echo | Kind::Arp => 0,
        Kind::SmallTcp | Kind::SmallUdp => random.range(20_000, 30_000) as u16,
    }
}

fn client_port(kind: Kind, random: &mut Random) -> u16 {
    match kind {
        Kind::Ntp => 123,
        Kind::Mdns => 5353,
        Kind::TunnelNatT | Kind::TunnelEsp | Kind::IkeLost if random.chance(0.5) => 500,
        _ => random.range(32_768, 61_000) as u16,
    }
}

/// Two resolvers, four gateways, and web servers of which a few get most of the traffic.
fn server(kind: Kind, random: &mut Random) -> u32 {
    match kind {
        Kind::Dns => random.below(2),
        Kind::TunnelNatT | Kind::TunnelEsp | Kind::IkeLost | Kind::IkeTcp | Kind::Syslog => 2 + random.below(4),
        _ => 16 + random.pareto(1.0, 0.4, 3000.0),
    }
}

/// Clients in 10.20.0.0/16, servers in 198.18.0.0/15, the range for benchmarks (RFC 2544).
fn addresses_v4(kind: Kind, client: u32, server: u32) -> [[u8; 16]; 2] {
    let mut addr = [[0; 16]; 2];
    addr[CLIENT][..4].copy_from_slice(&[10, 20, (client >> 8) as u8, client as u8]);
    addr[SERVER][..4].copy_from_slice(&match kind {
        Kind::Mdns => [224, 0, 0, 251],
        _ => [198, 18, (server >> 8) as u8, server as u8],
    });
    addr
}

/// Both in 2001:db8::/32, the range for documentation (RFC 3849).
fn addresses_v6(kind: Kind, client: u32, server: u32) -> [[u8; 16]; 2] {
    let address = |subnet: u8, host: u32| {
        let mut address = [0; 16];
        address[..4].copy_from_slice(&[0x20, 0x01, 0x0d, 0xb8]);
        address[7] = subnet;
        address[12..].copy_from_slice(&host.to_be_bytes());
        address
    };
    let server = match kind {
        Kind::Mdns => [0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xfb],
        _ => address(2, server),
    };
    [address(1, client), server]
}

fn data_packets(kind: Kind, random: &mut Random) -> u32 {
    match kind {
        Kind::Tls => random.pareto(5.0, 1.05, 1500.0),
        Kind::Http => random.pareto(6.0, 1.05, 2500.0),
        Kind::OtherTcp => random.pareto(6.0, 1.1, 1500.0),
        Kind::Quic => random.pareto(6.0, 1.0, 1500.0),
        Kind::Syslog => random.pareto(4.0, 1.2, 200.0),
        Kind::RatingUdp => random.range(1, 4),
        Kind::SynLost | Kind::IkeLost => random.range(3, 6),
        Kind::Echo => random.range(4, 20),
        Kind::TunnelNatT | Kind::TunnelEsp => random.pareto(230.0, 1.05, 10_000.0),
        Kind::IkeTcp => random.pareto(50.0, 1.0, 2000.0),
        Kind::SmallTcp | Kind::SmallUdp => random.pareto(15.0, 1.3, 2000.0),
        _ => 1,
    }
}
