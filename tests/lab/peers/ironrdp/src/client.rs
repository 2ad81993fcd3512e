//! The client.

use std::time::Duration;

use ironrdp_connector::{ClientConnector, Config, Credentials, DesktopSize};
use ironrdp_pdu::gcc::{ConnectionType, KeyboardType};
use ironrdp_pdu::nego::SecurityProtocol;
use ironrdp_pdu::rdp::capability_sets::{MajorPlatformType, RailSupportLevel};
use ironrdp_pdu::rdp::client_info::{PerformanceFlags, TimezoneInfo};
use ironrdp_tls::CertificateValidation;
use ironrdp_tokio::TokioFramed;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{Fallible, NoNetwork, Options};

fn config(options: &Options) -> Config {
    let nla = options.security() != SecurityProtocol::SSL;
    let credentials =
        Credentials::UsernamePassword { username: options.text("user", "lab"), password: options.text("password", "password") };
    Config {
        desktop_size: DesktopSize { width: 800, height: 600 },
        monitor_layout: None,
        desktop_scale_factor: 0,
        desktop_physical_size: None,
        desktop_orientation: None,
        device_scale_factor: None,
        monitor_extended_layout: None,
        relative_mouse_input: false,
        enable_tls: !nla,
        enable_credssp: nla,
        enable_standard_rdp_security: false,
        credentials,
        domain: options.0.get("domain").cloned(),
        client_build: 0,
        client_name: "LAB-CLIENT".to_owned(),
        keyboard_type: KeyboardType::IBM_ENHANCED,
        keyboard_subtype: 0,
        keyboard_functional_keys_count: 12,
        keyboard_layout: 0x409,
        connection_type: ConnectionType::Lan,
        ime_file_name: String::new(),
        bitmap: None,
        dig_product_id: String::new(),
        client_dir: "C:\\Windows\\System32\\mstscax.dll".to_owned(),
        alternate_shell: String::new(),
        work_dir: String::new(),
        remote_application_mode: false,
        rail_support_level: RailSupportLevel::empty(),
        platform: MajorPlatformType::UNIX,
        hardware_id: None,
        request_data: None,
        autologon: false,
        enable_audio_playback: false,
        enable_audio_capture: false,
        performance_flags: PerformanceFlags::default(),
        license_cache: None,
        timezone_info: TimezoneInfo::default(),
        compression_type: None,
        enable_server_pointer: false,
        pointer_software_rendering: false,
        multitransport_flags: None,
        support_dyn_vc_gfx_protocol: false,
    }
}

pub async fn run(server: &str, options: &Options) -> Fallible<()> {
    let stream = TcpStream::connect(server).await?;
    stream.set_nodelay(true)?;
    let mut connector = ClientConnector::new(config(options), stream.local_addr()?);
    let mut framed = TokioFramed::new(stream);
    let upgrade = ironrdp_tokio::connect_begin(&mut framed, &mut connector).await?;
    let name = "server.lab.test";
    let policy = match options.get("check", 0) {
        0 => CertificateValidation::DangerouslyAcceptInvalidCertificate,
        _ => CertificateValidation::Strict,
    };
    let stream = framed.into_inner_no_leftover();
    let (stream, certificate) = ironrdp_tls::upgrade_with_certificate_validation(stream, name, policy).await?;
    let key = ironrdp_tls::extract_tls_server_public_key(&certificate).ok_or("no key")?.to_vec();
    let upgraded = ironrdp_tokio::mark_as_upgraded(upgrade, &mut connector);
    let mut framed = TokioFramed::new(stream);
    let name = name.to_owned().into();
    ironrdp_tokio::connect_finalize(upgraded, connector, &mut framed, &mut NoNetwork, name, key, None).await?;
    println!("active");
    let reading = async { while framed.read_pdu().await.is_ok() {} };
    let _ = timeout(Duration::from_secs_f64(options.get("stay", 1.0)), reading).await;
    Ok(())
}
