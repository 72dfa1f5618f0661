//! The beginning of conversations, in segments of any size and order.

use super::{followed, only_flow, opened, segment};
use crate::flow::{App, Shard};
use crate::proto::laid_out::hex;
use crate::proto::sniff::Spoken;

const RANDOM: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

/// A ClientHello that offers TLS_AES_128_GCM_SHA256 and no extension.
fn client_hello() -> Vec<u8> {
    hex(&format!("16 0301 002f 01 00002b 0303 {RANDOM} 00 0002 1301 01 00 0000"))
}

/// The ServerHello of TLS 1.3 (supported_versions 0304).
fn server_hello() -> Vec<u8> {
    hex(&format!("16 0303 0032 02 00002e 0303 {RANDOM} 00 1301 00 0006 002b 0002 0304"))
}

/// An encrypted record of so many bytes.
fn protected(len: u8) -> Vec<u8> {
    [&[23, 3, 3, 0, len][..], &vec![0xee; len.into()]].concat()
}

/// The client's bytes begin at 8, the server's at 101.
struct Talk {
    port: u16,
    packets: Vec<Vec<u8>>,
    next: (u32, u32),
}

impl Talk {
    fn on(port: u16) -> Talk {
        Talk { port, packets: opened(port), next: (8, 101) }
    }

    fn client(mut self, payload: &[u8]) -> Talk {
        self.packets.push(segment(self.port, false, 0x18, self.next, &[], payload));
        self.next.0 += payload.len() as u32;
        self
    }

    fn server(mut self, payload: &[u8]) -> Talk {
        self.packets.push(segment(self.port, true, 0x18, (self.next.1, self.next.0), &[], payload));
        self.next.1 += payload.len() as u32;
        self
    }

    /// The last two packets change places.
    fn crossed(mut self) -> Talk {
        let last = self.packets.len() - 1;
        self.packets.swap(last - 1, last);
        self
    }

    fn followed(&self) -> Shard {
        followed(&self.packets)
    }
}

fn app(shard: &Shard) -> &App {
    only_flow(shard).app().unwrap()
}

#[test]
fn records_of_tls_1_3_are_counted_once_however_they_are_cut() {
    let flight = [protected(200), protected(53)].concat();
    for at in 1..flight.len() {
        let (first, rest) = flight.split_at(at);
        for crossed in [false, true] {
            let talk = Talk::on(443).client(&client_hello()).server(&server_hello()).server(first).server(rest);
            let shard = if crossed { talk.crossed() } else { talk }.followed();
            let facts = app(&shard).tls.as_ref().unwrap();
            assert_eq!(facts.server_hello.as_ref().map(|hello| hello.version), Some(0x0304));
            assert_eq!((facts.server.protected.records, facts.server.protected.last_length), (2, 53), "cut at {at}");
            assert!(facts.flight_done.is_some());
        }
    }
}

#[test]
fn the_first_flight_ends_where_the_client_first_says_something_protected() {
    let talk = Talk::on(443).client(&client_hello()).server(&[server_hello(), protected(200), protected(53)].concat());
    let shard = talk.client(&protected(53)).server(&protected(19)).followed();
    let facts = app(&shard).tls.as_ref().unwrap();
    assert_eq!((facts.server_flight, facts.server.protected.records, facts.client.protected.records), (2, 3, 1));
    assert_eq!(facts.server.protected.last_length, 19);
}

#[test]
fn a_flight_that_was_captured_after_the_answer_to_it_is_no_answer() {
    let talk = Talk::on(443).client(&client_hello()).server(&[server_hello(), protected(200), protected(53)].concat());
    let shard = talk.client(&protected(53)).crossed().followed();
    let facts = app(&shard).tls.as_ref().unwrap();
    assert_eq!((facts.server_flight, facts.client.protected.records, facts.server.protected.records), (0, 1, 2));
}

#[test]
fn refusals_of_mail_with_their_frames() {
    let talk =
        Talk::on(25).server(b"220 mx.example.com ESMTP\r\n").client(b"EHLO a\r\n").server(b"250-mx\r\n250 OK\r\n");
    let talk =
        talk.client(b"MAIL FROM:<a@example.com>\r\n").server(b"250 OK\r\n").client(b"RCPT TO:<b@example.com>\r\n");
    let shard = talk.server(b"451 4.7.1 Greylisted\r\n").client(b"QUIT\r\n").server(b"221 Bye\r\n").followed();
    let facts = app(&shard).smtp.as_ref().unwrap();
    let refusals: Vec<(u16, &str, u64)> =
        facts.refusals.iter().map(|(code, text, mark)| (*code, text.as_str(), mark.frame)).collect();
    assert_eq!(refusals, [(451, "4.7.1 Greylisted", 10)]);
    assert_eq!((facts.replies, facts.took_message), (5, false));
}

#[test]
fn a_message_that_was_taken() {
    let talk = Talk::on(25).server(b"220 mx\r\n").client(b"DATA\r\n").server(b"354 Go on\r\n");
    let shard = talk.client(b"Subject: x\r\n.\r\n").server(b"250 queued\r\n").followed();
    let facts = app(&shard).smtp.as_ref().unwrap();
    assert!(facts.took_message && facts.refusals.is_empty());
}

#[test]
fn a_greeting_that_refuses_wherever_it_is_cut() {
    let greeting = b"554 5.7.1 no service\r\n";
    for at in 1..greeting.len() {
        let (first, rest) = greeting.split_at(at);
        let shard = Talk::on(25).server(first).server(rest).followed();
        let app = app(&shard);
        let server = only_flow(&shard).client_side().other();
        assert_eq!(app.spoken(server), Some(Spoken::Smtp), "cut at {at}");
        let refusals: Vec<u16> =
            app.smtp.iter().flat_map(|facts| facts.refusals.iter().map(|(code, ..)| *code)).collect();
        assert_eq!(refusals, [554], "cut at {at}");
    }
}

#[test]
fn a_request_whose_headers_come_later() {
    let request = b"GET /update HTTP/1.1\r\nHost: update.example.com\r\n\r\n";
    let response = b"HTTP/1.1 302 Found\r\nLocation: http://portal.example.com/\r\n\r\n";
    for at in 1..request.len() {
        let (first, rest) = request.split_at(at);
        let (begun, ended) = response.split_at(at.min(response.len() - 1));
        let shard = Talk::on(443).client(first).client(rest).server(begun).server(ended).followed();
        let http = app(&shard).http.as_ref().unwrap();
        let host = http.request.as_ref().and_then(|(request, _)| request.host.as_deref());
        let location = http.response.as_ref().and_then(|(response, _)| response.location.as_deref());
        assert_eq!((host, location), (Some("update.example.com"), Some("http://portal.example.com/")), "cut at {at}");
    }
}

#[test]
fn a_tunnel_in_tcp_is_followed_however_long_it_is() {
    // "IKETCP", then ESP of 1,002 bytes a segment: length 2, SPI 4, sequence number 4, ciphertext.
    let esp = |number: u32| {
        let mut message = vec![0x03, 0xea, 0xc1, 0xc2, 0xc3, 0xc4];
        message.extend(number.to_be_bytes());
        message.resize(1_002, 0x77);
        message
    };
    let mut packets = opened(443);
    let first = [b"IKETCP".as_slice(), &esp(1)].concat();
    packets.push(segment(443, false, 0x18, (8, 101), &[], &first));
    for number in 2..=40 {
        let at = 8 + 6 + 1_002 * (number - 1);
        packets.push(segment(443, false, 0x18, (at, 101), &[], &esp(number)));
    }
    let shard = followed(&packets);
    let flow = only_flow(&shard);
    let log = flow.app().unwrap().esp.as_ref().unwrap();
    assert_eq!(log.packets_from(flow.client_side()), 40);
    assert_eq!(log.spis()[0].sequence, (1, 40));
}
