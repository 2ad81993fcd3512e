//! rdpeudp-peer server ADDRESS:PORT CERTIFICATE KEY [OPTION=VALUE...]
//! rdpeudp-peer client ADDRESS:PORT [OPTION=VALUE...]
//!
//! A real RDP-UDP client and server, IronRDP's, for one connection: handshake, TLS (rustls), tunnel, then data both ways.
//!
//! Options of both: send=N messages of size=BYTES, one each every=MICROSECONDS (0), stay=SECONDS to stay idle afterwards (1),
//! request=ID of the tunnel (7: a server that expects another one refuses the tunnel), cookie=BYTE that the security cookie
//! consists of (a server that expects another one answers with version 2, and refuses the tunnel),
//! keepalive=SECONDS (8). The client's: version=1|2|3 offered (3), check=1: it refuses a certificate that no authority signed.
//! The server's: tls=mute: it acknowledges what comes, but never speaks TLS.

use std::collections::HashMap;
use std::error::Error;
use std::net::SocketAddr;
use std::str::FromStr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ironrdp_rdpemt::TunnelConfig;
use ironrdp_rdpeudp::pdu::{UdpVersion, V1Datagram};
use ironrdp_rdpeudp::{ConnectionConfig, MonotonicInstant, RdpeudpConnection};
use ironrdp_rdpeudp_tokio::{UdpAcceptConfig, UdpTransport, UdpTransportConfig, accept_udp, connect_udp};
use ironrdp_tls::CertificateValidation;
use tokio::net::UdpSocket;
use tokio::time::{sleep, timeout};
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

type Fallible<T> = Result<T, Box<dyn Error>>;

struct Options(HashMap<String, String>);

impl Options {
    fn get<T: FromStr>(&self, name: &str, default: T) -> T {
        self.0.get(name).map_or(default, |value| value.parse().unwrap_or_else(|_| panic!("{name}={value}?")))
    }

    fn tunnel(&self) -> TunnelConfig {
        TunnelConfig { request_id: self.get("request", 7), security_cookie: [self.get("cookie", 0x5A); 16] }
    }

    fn connection(&self) -> ConnectionConfig {
        ConnectionConfig {
            initial_sequence_number: std::process::id().wrapping_mul(0x9E37_79B1),
            keep_alive_interval: Duration::from_secs(self.get("keepalive", 8)),
            offer_version: match self.get("version", 3) {
                1 => UdpVersion::V1,
                2 => UdpVersion::V2,
                _ => UdpVersion::V3,
            },
            ..ConnectionConfig::default()
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Fallible<()> {
    let mut words: Vec<String> = std::env::args().skip(1).collect();
    let options = words.iter().filter_map(|word| word.split_once('='));
    let options = Options(options.map(|(name, value)| (name.to_owned(), value.to_owned())).collect());
    words.retain(|word| !word.contains('='));
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["client", server] => exchange(connect(server.parse()?, &options).await?, &options).await,
        ["server", at, _, _] if options.get("tls", String::new()) == "mute" => mute(at, &options).await,
        ["server", at, certificate, key] => exchange(accept(at, certificate, key, &options).await?, &options).await,
        _ => Err("client ADDRESS:PORT, or server ADDRESS:PORT CERTIFICATE KEY".into()),
    }
}

async fn connect(server: SocketAddr, options: &Options) -> Fallible<UdpTransport> {
    let mut config = UdpTransportConfig::new(server, "server.lab.test".to_owned(), options.tunnel());
    config.connection_config = options.connection();
    config.tls_timeout = Duration::from_secs(20);
    if options.get("check", 0) == 1 {
        config.tls.certificate_validation = CertificateValidation::Strict;
    }
    Ok(connect_udp(config).await?)
}

async fn accept(at: &str, certificate: &str, key: &str, options: &Options) -> Fallible<UdpTransport> {
    let chain = CertificateDer::pem_file_iter(certificate)?.collect::<Result<_, _>>()?;
    let tls = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, PrivateKeyDer::from_pem_file(key)?)?;
    let config = UdpAcceptConfig {
        tls_config: Arc::new(tls),
        tunnel_config: options.tunnel(),
        connection_config: options.connection(),
        accept_timeout: Duration::from_secs(60),
    };
    Ok(accept_udp(UdpSocket::bind(at).await?, config).await?)
}

/// Sends and receives at once, stays, and ends without a word, as the protocol has none.
async fn exchange(mut transport: UdpTransport, options: &Options) -> Fallible<()> {
    println!("established");
    let (count, size, every) = (options.get("send", 0_u32), options.get("size", 20), options.get("every", 0));
    let sender = transport.sender();
    let sending = tokio::spawn(async move {
        for number in 0..count {
            if sender.send(vec![number as u8; size]).await.is_err() {
                return number;
            }
            sleep(Duration::from_micros(every)).await;
        }
        count
    });
    let (mut received, mut quiet) = (0_u32, false);
    let stay = Duration::from_secs_f64(options.get("stay", 1.0));
    let mut last = Instant::now();
    while !quiet {
        match timeout(Duration::from_millis(100), transport.recv()).await {
            Ok(Some(_)) => (received, last) = (received + 1, Instant::now()),
            Ok(None) => break,
            Err(_) => quiet = sending.is_finished() && last.elapsed() >= stay,
        }
        if !sending.is_finished() {
            last = Instant::now();
        }
    }
    println!("received {received}, alive {}", transport.is_alive());
    Ok(())
}

/// A server whose transport works and whose security layer does not.
async fn mute(at: &str, options: &Options) -> Fallible<()> {
    let socket = UdpSocket::bind(at).await?;
    let (epoch, mut buffer) = (Instant::now(), vec![0; 9000]);
    let now = || MonotonicInstant::from_millis(epoch.elapsed().as_millis() as u64);
    let (length, client) = socket.recv_from(&mut buffer).await?;
    socket.connect(client).await?;
    let syn: V1Datagram = ironrdp_core::decode(&buffer[..length])?;
    let mut config = options.connection();
    config.cookie_hash = syn.syn_data_ex.as_ref().and_then(|extension| extension.cookie_hash).or(Some([0; 32]));
    let mut connection = RdpeudpConnection::accept(config, &syn, now())?;
    loop {
        while let Some(transmit) = connection.poll_transmit(now()) {
            let mut datagram = transmit.contents;
            if !connection.is_established() {
                datagram.resize(datagram.len().max(1232), 0);
            }
            socket.send(&datagram).await?;
        }
        while connection.poll_event().is_some() {}
        let wait = connection.poll_timeout().map_or(1000, |due| due.as_millis().saturating_sub(now().as_millis()));
        match timeout(Duration::from_millis(wait), socket.recv(&mut buffer)).await {
            Ok(length) => drop(connection.handle_datagram(&mut buffer[..length?], now())),
            Err(_) => connection.handle_timeout(now()),
        }
        if connection.is_closed() {
            return Ok(());
        }
    }
}
