use proptest::prelude::*;

use super::super::testing::{grows, hex};
use super::*;

fn target(host: &str, port: u16) -> Target {
    Target { host: host.to_owned(), port }
}

#[test]
fn socks4() {
    let bytes = hex("0401 0d3d 0a000001 626f6200");
    grows(&bytes, socks4_request);
    assert_eq!(socks4_request(&bytes), Step::Done(target("10.0.0.1", 3389), 12));
    // 4a: the name after an address that can't be.
    let bytes = hex("0401 0d3d 00000001 00 77732e6c616e00");
    grows(&bytes, socks4_request);
    assert_eq!(socks4_request(&bytes), Step::Done(target("ws.lan", 3389), 16));
    let bytes = hex("005a 0000 00000000");
    grows(&bytes, socks4_reply);
    assert_eq!(socks4_reply(&bytes), Step::Done(Socks4Code::GRANTED, 8));
    let endless = [[4_u8, 1].as_slice(), &[7; 600]].concat();
    assert!(matches!(socks4_request(&endless), Step::Broken(why) if why.offset == 8));
}

#[test]
fn socks5() {
    // arkime-socks5-rdp#4 to #7.
    let methods = hex("050100");
    grows(&methods, socks5_methods);
    assert_eq!(socks5_methods(&methods), Step::Done(vec![Socks5Method::NO_AUTHENTICATION], 3));
    assert_eq!(socks5_choice(&hex("0500")), Step::Done(Socks5Method::NO_AUTHENTICATION, 2));
    let request = hex("050100010a0000010d3d");
    grows(&request, socks5_request);
    assert_eq!(socks5_request(&request), Step::Done(target("10.0.0.1", 3389), 10));
    let reply = hex("05000001000000000000");
    grows(&reply, socks5_reply);
    assert_eq!(socks5_reply(&reply), Step::Done(Socks5Code::SUCCEEDED, 10));

    let named = hex("050100 03 06 77732e6c616e 0d3d");
    grows(&named, socks5_request);
    assert_eq!(socks5_request(&named).done(), Some(target("ws.lan", 3389)));
    let six = hex("050100 04 fe800000000000000000000000000001 0d3d");
    grows(&six, socks5_request);
    assert_eq!(socks5_request(&six).done().unwrap().to_string(), "[fe80::1]:3389");
    assert_eq!(socks5_reply(&hex("05050001000000000000")).done().unwrap().to_string(), "CONNECTION_REFUSED");
    assert!(matches!(socks5_request(&hex("05010009")), Step::Broken(why) if why.offset == 3));
}

#[test]
fn socks5_logins() {
    let login = hex("01 03626f62 02 7077");
    grows(&login, socks5_login);
    assert_eq!(socks5_login(&login), Step::Done((), 8));
    assert_eq!(socks5_login_reply(&hex("0100")), Step::Done(true, 2));
    assert_eq!(socks5_login_reply(&hex("0101")), Step::Done(false, 2));
}

#[test]
fn http() {
    let bytes = b"CONNECT ws.lan:3389 HTTP/1.1\r\nHost: ws.lan:3389\r\n\r\n";
    grows(bytes, http_connect);
    assert_eq!(http_connect(bytes).done().unwrap().to_string(), "ws.lan:3389");
    let six = b"CONNECT [fe80::1]:3389 HTTP/1.1\r\n\r\n";
    assert_eq!(http_connect(six).done(), Some(target("fe80::1", 3389)));
    assert!(matches!(http_connect(b"GET / HTTP/1.1\r\n\r\n"), Step::Broken(_)));
    assert!(matches!(http_connect(&[b'C'; 8192]), Step::Broken(why) if why.what == "HTTP head length"));

    let reply = b"HTTP/1.1 200 Connection established\r\n\r\n";
    grows(reply, http_reply);
    // What follows the head is the tunnel's.
    assert_eq!(http_reply(&[reply.as_slice(), &[3, 0]].concat()), Step::Done(200, reply.len()));
    assert_eq!(http_reply(b"HTTP/1.0 407 Proxy Authentication Required\r\n\r\n").done(), Some(407));
    assert!(matches!(http_reply(b"SSH-2.0-x\r\n\r\n"), Step::Broken(_)));
}

#[test]
fn proxy_protocol() {
    let pair = Some(("192.0.2.7:50000".parse().unwrap(), "10.0.0.1:3389".parse().unwrap()));
    let first = b"PROXY TCP4 192.0.2.7 10.0.0.1 50000 3389\r\n";
    grows(first, proxy_header);
    assert_eq!(proxy_header(first).done(), Some(ProxyHeader { version: 1, addresses: pair }));
    let unknown = ProxyHeader { version: 1, addresses: None };
    assert_eq!(proxy_header(b"PROXY UNKNOWN\r\n").done(), Some(unknown));
    assert!(matches!(proxy_header(b"PROXY TCP4 a b c d\r\n"), Step::Broken(_)));
    assert!(matches!(proxy_header(&[b'P'; 107]), Step::Broken(_)));

    let second = hex("0d0a0d0a000d0a515549540a 21 11 000c c0000207 0a000001 c350 0d3d");
    grows(&second, proxy_header);
    assert_eq!(proxy_header(&second).done(), Some(ProxyHeader { version: 2, addresses: pair }));
    let local = hex("0d0a0d0a000d0a515549540a 20 00 0000");
    assert_eq!(proxy_header(&local).done(), Some(ProxyHeader { version: 2, addresses: None }));
    let short = hex("0d0a0d0a000d0a515549540a 21 21 0004 c0000207");
    assert!(matches!(proxy_header(&short), Step::Broken(why) if why.what == "PROXY addresses"));
}

#[test]
fn preconnections() {
    let first = hex("10000000 00000000 01000000 05000000");
    grows(&first, preconnection);
    assert_eq!(preconnection(&first).done(), Some(Preconnection { version: 1, id: 5, blob: None }));
    let second = hex("18000000 00000000 02000000 00000000 0300 61006200 0000");
    grows(&second, preconnection);
    assert_eq!(preconnection(&second).done().unwrap().blob.as_deref(), Some("ab"));
    // cchPCB beyond cbSize: the rest is kept.
    let lying = hex("12000000 00000000 02000000 07000000 0900");
    assert_eq!(preconnection(&lying).done(), Some(Preconnection { version: 2, id: 7, blob: None }));
    assert!(matches!(preconnection(&hex("0f000000")), Step::Broken(_)));
    assert!(matches!(preconnection(&hex("10000000 00000000 03000000")), Step::Broken(_)));
}

proptest! {
    #[test]
    fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..128)) {
        for head in [&[][..], &[4, 1], &[5, 1, 0], b"CONNECT ", b"PROXY TCP6 ", PROXY_V2_SIGNATURE] {
            let all = [head, &bytes].concat();
            let _ = (socks4_request(&all), socks4_reply(&all), socks5_methods(&all), socks5_choice(&all));
            let _ = (socks5_login(&all), socks5_login_reply(&all), socks5_request(&all), socks5_reply(&all));
            let _ = (http_connect(&all), http_reply(&all), proxy_header(&all), preconnection(&all));
        }
    }
}
