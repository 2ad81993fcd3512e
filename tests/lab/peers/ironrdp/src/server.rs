//! The server.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use ironrdp_acceptor::credssp::CredsspSequence;
use ironrdp_acceptor::{Acceptor, BeginResult, DesktopSize, accept_begin};
use ironrdp_connector::sspi::credssp::{EarlyUserAuthResult, NStatusCode, ServerError, ServerState, TsRequest};
use ironrdp_connector::sspi::generator::GeneratorState;
use ironrdp_connector::sspi::{self, AuthIdentity, Username};
use ironrdp_pdu::rdp::client_info::Credentials;
use ironrdp_connector::Sequence as _;
use ironrdp_core::{Encode, WriteBuf, decode, encode_buf, encode_vec};
use ironrdp_pdu::mcs::{AttachUserConfirm, DisconnectProviderUltimatum, DisconnectReason, SendDataIndication};
use ironrdp_pdu::nego::SecurityProtocol;
use ironrdp_pdu::rdp::capability_sets as sets;
use ironrdp_pdu::rdp::client_info::CompressionType;
use ironrdp_pdu::rdp::headers::{
    CompressionFlags, ShareControlHeader, ShareControlPdu, ShareDataHeader, ShareDataPdu, StreamPriority,
};
use ironrdp_pdu::rdp::server_error_info::{ErrorInfo, ServerSetErrorInfoPdu};
use ironrdp_pdu::rdp::server_license::{LicenseErrorCode, LicensePdu, LicensingErrorMessage, LicensingStateTransition};
use ironrdp_pdu::x224::X224;
use ironrdp_tokio::{Framed, FramedRead, FramedWrite, TokioFramed, single_sequence_step_read};
use num_traits::FromPrimitive as _;
use tokio::net::TcpListener;
use tokio::time::sleep;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{KeyLogFile, ServerConfig};
use x509_cert::der::Decode as _;

use super::{Fallible, Options};

/// What IronRDP's server calls them.
const USER_CHANNEL: u16 = 1002;
const IO_CHANNEL: u16 = 1003;

/// What the server does not let pass.
enum Refuse {
    Nothing,
    Nla(u32),
    Authorization,
    Mcs(u8),
    License(u32),
    Error(u32),
    End(u32),
}

impl Refuse {
    fn of(options: &Options) -> Self {
        let text = options.text("refuse", "");
        let (what, code) = text.split_once(':').unwrap_or((&text, "0"));
        let code = code.strip_prefix("0x").map_or_else(|| code.parse(), |hex| u32::from_str_radix(hex, 16)).unwrap();
        match what {
            "" => Refuse::Nothing,
            "nla" => Refuse::Nla(code),
            "authorization" => Refuse::Authorization,
            "mcs" => Refuse::Mcs(code as u8),
            "license" => Refuse::License(code),
            "error" => Refuse::Error(code),
            "end" => Refuse::End(code),
            _ => panic!("refuse={text}?"),
        }
    }
}

pub async fn run(at: &str, certificate: &str, key: &str, options: &Options) -> Fallible<()> {
    let chain = CertificateDer::pem_file_iter(certificate)?.collect::<Result<Vec<_>, _>>()?;
    let parsed = x509_cert::Certificate::from_der(&chain[0])?;
    let public_key = ironrdp_tls::extract_tls_server_public_key(&parsed).ok_or("no key")?.to_vec();
    let mut tls = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, PrivateKeyDer::from_pem_file(key)?)?;
    tls.key_log = Arc::new(KeyLogFile::new());
    let tls = TlsAcceptor::from(Arc::new(tls));
    let listener = TcpListener::bind(at).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let credentials = Credentials {
            username: options.text("user", "lab"),
            password: options.text("password", "password"),
            domain: options.0.get("domain").cloned(),
        };
        let size = DesktopSize { width: 800, height: 600 };
        let mut acceptor = Acceptor::new(options.security(), size, capabilities(size), Some(credentials));
        let served = async {
            let BeginResult::ShouldUpgrade(stream) = accept_begin(TokioFramed::new(stream), &mut acceptor).await? else {
                return Err("no TLS".into());
            };
            let framed = TokioFramed::new(tls.accept(stream).await?);
            acceptor.mark_security_upgrade_as_done();
            serve(framed, acceptor, &public_key, options).await
        };
        println!("{:?}", served.await);
    }
}

async fn serve<S: FramedRead + FramedWrite>(
    mut framed: Framed<S>,
    mut acceptor: Acceptor,
    public_key: &[u8],
    options: &Options,
) -> Fallible<()> {
    let refuse = Refuse::of(options);
    let mut buf = WriteBuf::new();
    if acceptor.should_perform_credssp() {
        let identity = AuthIdentity {
            username: Username::parse(&options.text("user", "lab"))?,
            password: options.text("password", "password").into(),
        };
        credssp(&mut framed, &identity, public_key, &refuse).await?;
        if options.security() == SecurityProtocol::HYBRID_EX {
            let denied = matches!(refuse, Refuse::Authorization);
            let result = if denied { EarlyUserAuthResult::AccessDenied } else { EarlyUserAuthResult::Success };
            let mut message = Vec::new();
            result.to_buffer(&mut message)?;
            framed.write_all(&message).await?;
            if denied {
                return Ok(());
            }
        }
        acceptor.mark_credssp_as_done();
    }
    while acceptor.get_result_if_over().is_none() {
        match (acceptor.state().name(), &refuse) {
            ("LicensingExchange", Refuse::License(code)) => {
                return indicate(&mut framed, &license_error(*code)?).await;
            }
            ("CapabilitiesSendServer", Refuse::Error(code)) => return end(&mut framed, *code).await,
            _ => {}
        }
        buf.clear();
        single_sequence_step_read(&mut framed, &mut acceptor, &mut buf).await?;
        let confirm = decode::<X224<AttachUserConfirm>>(buf.filled()).ok();
        if let (Some(X224(confirm)), Refuse::Mcs(result)) = (confirm, &refuse) {
            let refusal = AttachUserConfirm { result: *result, ..confirm };
            framed.write_all(&encode_vec(&X224(refusal))?).await?;
            return Ok(());
        }
        if !buf.filled().is_empty() {
            framed.write_all(buf.filled()).await?;
        }
    }
    if let Refuse::End(code) = refuse {
        sleep(Duration::from_secs(1)).await;
        return end(&mut framed, code).await;
    }
    while framed.read_pdu().await.is_ok() {}
    Ok(())
}

/// Whether the sequence is over; [`Acceptor::get_result`] takes its state.
trait Over {
    fn get_result_if_over(&mut self) -> Option<()>;
}

impl Over for Acceptor {
    fn get_result_if_over(&mut self) -> Option<()> {
        self.state().is_terminal().then_some(())
    }
}

async fn credssp<S: FramedRead + FramedWrite>(
    framed: &mut Framed<S>,
    identity: &AuthIdentity,
    public_key: &[u8],
    refuse: &Refuse,
) -> Fallible<()> {
    let mut sequence = CredsspSequence::init(identity, "server.lab.test".to_owned().into(), public_key.to_vec(), None)?;
    let mut buf = WriteBuf::new();
    let mut message = 0;
    while let Some(hint) = sequence.next_pdu_hint()? {
        let pdu = framed.read_by_hint(hint).await?;
        let Some(request) = sequence.decode_client_message(&pdu)? else { break };
        message += 1;
        let mut result: Result<ServerState, ServerError> = match sequence.process_ts_request(request).start() {
            GeneratorState::Completed(result) => result,
            GeneratorState::Suspended(_) => return Err("there is no KDC".into()),
        };
        if let (2, Refuse::Nla(status)) = (message, refuse) {
            let answer = TsRequest { error_code: Some(NStatusCode(*status)), ..TsRequest::default() };
            let error = sspi::Error::new(sspi::ErrorKind::NoCredentials, "the account is refused");
            result = Err(ServerError { ts_request: Some(Box::new(answer)), error });
        }
        buf.clear();
        sequence.handle_process_result(result, &mut buf)?;
        if !buf.filled().is_empty() {
            framed.write_all(buf.filled()).await?;
        }
    }
    Ok(())
}

/// Set Error Info and Disconnect Provider Ultimatum.
async fn end<S: FramedWrite>(framed: &mut Framed<S>, code: u32) -> Fallible<()> {
    let error = ErrorInfo::from_u32(code).ok_or("a code that IronRDP does not know")?;
    let info = ShareControlHeader {
        share_id: 0,
        pdu_source: 0,
        share_control_pdu: ShareControlPdu::Data(ShareDataHeader {
            share_data_pdu: ShareDataPdu::ServerSetErrorInfo(ServerSetErrorInfoPdu(error)),
            stream_priority: StreamPriority::Undefined,
            compression_flags: CompressionFlags::empty(),
            compression_type: CompressionType::K8,
        }),
    };
    indicate(framed, &info).await?;
    let goodbye = DisconnectProviderUltimatum { reason: DisconnectReason::ProviderInitiated };
    framed.write_all(&encode_vec(&X224(goodbye))?).await?;
    Ok(())
}

fn license_error(code: u32) -> Fallible<LicensePdu> {
    let mut message = LicensingErrorMessage::new_valid_client()?;
    message.error_code = LicenseErrorCode::from_u32(code).ok_or("a code that IronRDP does not know")?;
    message.state_transition = LicensingStateTransition::TotalAbort;
    Ok(LicensePdu::LicensingErrorMessage(message))
}

async fn indicate<S: FramedWrite>(framed: &mut Framed<S>, message: &impl Encode) -> Fallible<()> {
    let user_data = Cow::Owned(encode_vec(message)?);
    let mut buf = WriteBuf::new();
    encode_buf(&X224(SendDataIndication { initiator_id: USER_CHANNEL, channel_id: IO_CHANNEL, user_data }), &mut buf)?;
    framed.write_all(buf.filled()).await?;
    Ok(())
}

fn capabilities(size: DesktopSize) -> Vec<sets::CapabilitySet> {
    vec![
        sets::CapabilitySet::General(sets::General {
            extra_flags: sets::GeneralExtraFlags::FASTPATH_OUTPUT_SUPPORTED,
            ..sets::General::default()
        }),
        sets::CapabilitySet::Bitmap(sets::Bitmap {
            pref_bits_per_pix: 32,
            desktop_width: size.width,
            desktop_height: size.height,
            desktop_resize_flag: true,
            drawing_flags: sets::BitmapDrawingFlags::empty(),
        }),
        sets::CapabilitySet::Order(sets::Order::new(
            sets::OrderFlags::empty(),
            sets::OrderSupportExFlags::empty(),
            2048,
            224,
        )),
        sets::CapabilitySet::Pointer(sets::Pointer { color_pointer_cache_size: 2048, pointer_cache_size: 2048 }),
        sets::CapabilitySet::Input(sets::Input {
            input_flags: sets::InputFlags::SCANCODES | sets::InputFlags::FASTPATH_INPUT_2,
            keyboard_layout: 0,
            keyboard_type: None,
            keyboard_subtype: 0,
            keyboard_function_key: 128,
            keyboard_ime_filename: String::new(),
        }),
        sets::CapabilitySet::VirtualChannel(sets::VirtualChannel {
            flags: sets::VirtualChannelFlags::NO_COMPRESSION,
            chunk_size: None,
        }),
    ]
}
