//! The code tables as people meet them: what their numbers are called, and who says what they mean.

use super::super::codes::{self, Row};

/// A table of [`codes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Table {
    /// mstsc's "Error code".
    Disconnect,
    /// mstsc's "Extended error code".
    Extended,
    /// `errorInfo` of Set Error Info.
    ErrInfo,
    /// `failureCode` of RDP_NEG_FAILURE.
    Negotiation,
    /// TLS alerts.
    Alert,
    /// NTSTATUS.
    NtStatus,
    /// SECURITY_STATUS.
    SecurityStatus,
    /// Licensing error messages.
    Licensing,
    /// Statuses of an RD Gateway.
    Gateway,
    /// KRB-ERROR.
    Kerberos,
    /// Results of RDSTLS.
    Rdstls,
    /// Results of MCS confirms.
    McsResult,
    /// Logon errors of Save Session Info.
    LogonError,
    /// Builds of clients.
    ClientBuild,
    /// Capability sets.
    CapabilitySet,
    /// Flags of the security header.
    SecurityFlag,
    /// Keyboard types.
    KeyboardType,
    /// Connection types.
    ConnectionType,
    /// ICMP errors. Their numbers are packed, so only names are looked up.
    Icmp,
}

/// What somebody who looks a number up is told of its table.
struct Info {
    /// Name of its file in `codes/`.
    file: &'static str,
    /// What its numbers are: stands before one.
    title: &'static str,
    /// What stands before the table's names in the specification.
    prefix: &'static str,
    /// Other words for its numbers, as [`super::key`] writes them.
    aliases: &'static [&'static str],
    /// Who says so: "title <address>".
    reference: &'static str,
}

/// A section of MS-RDPBCGR, by the specification's first page.
macro_rules! rdpbcgr {
    ($section:literal) => {
        concat!(
            "MS-RDPBCGR ",
            $section,
            " <https://learn.microsoft.com/en-us/openspecs/windows_protocols/ms-rdpbcgr/",
            "5073f4ed-1e93-45e1-b039-6e30c385867c>"
        )
    };
}

const CLIENT_CORE_DATA: &str = rdpbcgr!("2.2.1.3.2, Client Core Data");

static DISCONNECT: Info = Info {
    file: "disconnect-reason",
    title: "mstsc error code",
    prefix: "disconnectReason",
    aliases: &["disconnectreason", "disconnect", "mstsc", "discreason"],
    reference: "IMsTscAxEvents::OnDisconnected \
                <https://learn.microsoft.com/en-us/windows/win32/termserv/imstscaxevents-ondisconnected>",
};

static EXTENDED: Info = Info {
    file: "extended-disconnect-reason",
    title: "mstsc extended error code",
    prefix: "exDiscReason",
    aliases: &["exdiscreason", "extendeddisconnectreason", "extended", "extendedreason"],
    reference: "ExtendedDisconnectReasonCode \
                <https://learn.microsoft.com/en-us/windows/win32/termserv/extendeddisconnectreasoncode>",
};

static ERRINFO: Info = Info {
    file: "errinfo",
    title: "Set Error Info",
    prefix: "ERRINFO_",
    aliases: &["errinfo", "errorinfo", "seterrorinfo"],
    reference: "MS-RDPBCGR 2.2.5.1.1, Set Error Info PDU Data \
                <https://learn.microsoft.com/en-us/openspecs/windows_protocols/ms-rdpbcgr/a21a1bd9-2303-49c1-90ec-3932435c248c>",
};

static NEGOTIATION: Info = Info {
    file: "negotiation-failure",
    title: "RDP negotiation failure",
    prefix: "",
    aliases: &["negotiation", "negotiationfailure", "failurecode", "rdpnegfailure", "negfailure"],
    reference: "MS-RDPBCGR 2.2.1.2.2, RDP Negotiation Failure \
                <https://learn.microsoft.com/en-us/openspecs/windows_protocols/ms-rdpbcgr/1b3920e7-0116-4345-bc45-f2c4ad012761>",
};

static ALERT: Info = Info {
    file: "tls-alerts",
    title: "TLS alert",
    prefix: "",
    aliases: &["alert", "tlsalert", "tls", "sslalert", "fatalalert"],
    reference: "RFC 8446, section 6 <https://www.rfc-editor.org/rfc/rfc8446#section-6>",
};

static NTSTATUS: Info = Info {
    file: "ntstatus",
    title: "NTSTATUS",
    prefix: "STATUS_",
    aliases: &["ntstatus", "status", "substatus"],
    reference: "MS-ERREF 2.3.1, NTSTATUS values \
                <https://learn.microsoft.com/en-us/openspecs/windows_protocols/ms-erref/596a1078-e883-4972-9bbc-49e60bebca55>",
};

static SECURITY: Info = Info {
    file: "security-status",
    title: "SECURITY_STATUS",
    prefix: "SEC_E_",
    aliases: &["sece", "securitystatus", "schannel", "sspi"],
    reference: "Schannel error codes \
                <https://learn.microsoft.com/en-us/windows/win32/secauthn/schannel-error-codes-for-tls-and-ssl-alerts>",
};

static LICENSING: Info = Info {
    file: "licensing",
    title: "licensing error message",
    prefix: "",
    aliases: &["licensing", "license", "licence", "licensingerror"],
    reference: "MS-RDPBCGR 2.2.1.12.1.3, Licensing Error Message \
                <https://learn.microsoft.com/en-us/openspecs/windows_protocols/ms-rdpbcgr/f18b6c9f-f3d8-4a0e-8398-f9b153233dca>",
};

static GATEWAY: Info = Info {
    file: "gateway-status",
    title: "RD Gateway status",
    prefix: "",
    aliases: &["gateway", "gatewaystatus", "tsgu", "rdgateway", "proxy"],
    reference: "MS-TSGU, return codes \
                <https://learn.microsoft.com/en-us/openspecs/windows_protocols/ms-tsgu/0007d661-a86d-4e8f-89f7-7f77f8824188>",
};

static KERBEROS: Info = Info {
    file: "kerberos-error",
    title: "Kerberos error",
    prefix: "",
    aliases: &["kerberos", "krb", "krberror", "kerberoserror", "kdc"],
    reference: "RFC 4120, section 7.5.9 \
                <https://www.rfc-editor.org/rfc/rfc4120#section-7.5.9>",
};

static RDSTLS: Info = Info {
    file: "rdstls-result",
    title: "RDSTLS result",
    prefix: "RDSTLS_RESULT_",
    aliases: &["rdstls", "rdstlsresult"],
    reference: rdpbcgr!("2.2.17.4, RDSTLS Authentication Response"),
};

static MCS_RESULT: Info = Info {
    file: "mcs-result",
    title: "MCS result",
    prefix: "",
    aliases: &["mcs", "mcsresult", "t125"],
    reference: "ITU-T T.125, section 7 \
                <https://www.itu.int/rec/T-REC-T.125>",
};

static LOGON_ERROR: Info = Info {
    file: "logon-error",
    title: "logon error",
    prefix: "",
    aliases: &["logonerror", "logonmsg", "errornotificationtype"],
    reference: rdpbcgr!("2.2.10.1.1.4.1.1, Logon Errors Info"),
};

static CLIENT_BUILD: Info = Info {
    file: "client-build",
    title: "client build",
    prefix: "",
    aliases: &["clientbuild", "build"],
    reference: CLIENT_CORE_DATA,
};

static CAPABILITY_SET: Info = Info {
    file: "capability-set",
    title: "capability set",
    prefix: "",
    aliases: &["capability", "capabilityset", "capabilitysettype", "capset"],
    reference: rdpbcgr!("2.2.1.13.1.1.1, Capability Set"),
};

static SECURITY_FLAG: Info = Info {
    file: "security-flag",
    title: "security flag",
    prefix: "SEC_",
    aliases: &["securityflag", "secflag", "securityheader"],
    reference: rdpbcgr!("2.2.8.1.1.2.1, Basic (TS_SECURITY_HEADER)"),
};

static KEYBOARD_TYPE: Info = Info {
    file: "keyboard-type",
    title: "keyboard type",
    prefix: "",
    aliases: &["keyboard", "keyboardtype"],
    reference: CLIENT_CORE_DATA,
};

static CONNECTION_TYPE: Info = Info {
    file: "connection-type",
    title: "connection type",
    prefix: "",
    aliases: &["connection", "connectiontype"],
    reference: CLIENT_CORE_DATA,
};

static ICMP: Info = Info {
    file: "icmp",
    title: "ICMP error",
    prefix: "",
    aliases: &["icmp", "icmpv6"],
    reference: "RFC 792 <https://www.rfc-editor.org/rfc/rfc792>",
};

/// Below this a number alone is in so many tables that how it was written decides.
const SMALL: u32 = 0x100;

impl Table {
    /// Every table, the one that names most errors that users report first.
    pub const ALL: [Table; 19] = [
        Table::Disconnect,
        Table::Extended,
        Table::ErrInfo,
        Table::Negotiation,
        Table::Alert,
        Table::NtStatus,
        Table::SecurityStatus,
        Table::Licensing,
        Table::Gateway,
        Table::Kerberos,
        Table::Rdstls,
        Table::McsResult,
        Table::LogonError,
        Table::ClientBuild,
        Table::CapabilitySet,
        Table::SecurityFlag,
        Table::KeyboardType,
        Table::ConnectionType,
        Table::Icmp,
    ];

    /// Where a number is looked up, the most likely table first. Dialogs show hexadecimal numbers, so a
    /// small one that is written so is one of mstsc's; protocol analyzers and logs show small codes in
    /// decimal.
    /// Tables whose numbers nobody meets alone are asked for by name ("kerberos 37").
    pub(super) fn order(number: u32, hexadecimal: bool) -> [Table; 10] {
        use Table::*;
        if number < SMALL && !hexadecimal {
            [
                Negotiation,
                Alert,
                Disconnect,
                Extended,
                ErrInfo,
                Licensing,
                NtStatus,
                SecurityStatus,
                Gateway,
                LogonError,
            ]
        } else {
            [
                Disconnect,
                Extended,
                ErrInfo,
                Negotiation,
                Alert,
                Licensing,
                NtStatus,
                SecurityStatus,
                Gateway,
                LogonError,
            ]
        }
    }

    const fn info(self) -> &'static Info {
        match self {
            Table::Disconnect => &DISCONNECT,
            Table::Extended => &EXTENDED,
            Table::ErrInfo => &ERRINFO,
            Table::Negotiation => &NEGOTIATION,
            Table::Alert => &ALERT,
            Table::NtStatus => &NTSTATUS,
            Table::SecurityStatus => &SECURITY,
            Table::Licensing => &LICENSING,
            Table::Gateway => &GATEWAY,
            Table::Kerberos => &KERBEROS,
            Table::Rdstls => &RDSTLS,
            Table::McsResult => &MCS_RESULT,
            Table::LogonError => &LOGON_ERROR,
            Table::ClientBuild => &CLIENT_BUILD,
            Table::CapabilitySet => &CAPABILITY_SET,
            Table::SecurityFlag => &SECURITY_FLAG,
            Table::KeyboardType => &KEYBOARD_TYPE,
            Table::ConnectionType => &CONNECTION_TYPE,
            Table::Icmp => &ICMP,
        }
    }

    /// What its numbers are: stands before one.
    pub const fn title(self) -> &'static str {
        self.info().title
    }

    /// Who says what they mean: "title `<address>`".
    pub const fn reference(self) -> &'static str {
        self.info().reference
    }

    /// Its name in JSON: that of its file in `codes/`.
    pub const fn id(self) -> &'static str {
        self.info().file
    }

    /// What stands before its names in the specification.
    pub(super) const fn prefix(self) -> &'static str {
        self.info().prefix
    }

    /// A row by its number.
    pub fn find(self, code: u32) -> Option<&'static Row> {
        match self {
            Table::Disconnect => codes::disconnect_reason(code),
            Table::Extended => codes::extended_disconnect_reason(code),
            Table::ErrInfo => codes::errinfo(code),
            Table::Negotiation => codes::negotiation_failure(code),
            Table::Alert => codes::tls_alert(u8::try_from(code).ok()?),
            Table::NtStatus => codes::ntstatus(code),
            Table::SecurityStatus => codes::security_status(code),
            Table::Licensing => codes::licensing(code),
            Table::Gateway => codes::gateway_status(code),
            Table::Kerberos => codes::kerberos_error(code),
            Table::Rdstls => codes::rdstls_result(code),
            Table::McsResult => codes::mcs_result(code),
            Table::LogonError => codes::logon_error(code),
            Table::ClientBuild => codes::client_build(code),
            Table::CapabilitySet | Table::SecurityFlag | Table::KeyboardType | Table::ConnectionType => {
                self.rows().iter().find(|row| row.code == code)
            }
            Table::Icmp => None,
        }
    }

    /// All rows, in the order of their codes.
    pub fn rows(self) -> &'static [Row] {
        codes::tables().find(|(file, _)| *file == self.id()).map_or(&[], |(_, rows)| rows)
    }

    /// The specification's whole name of a row.
    pub fn name(self, row: &Row) -> Option<String> {
        let name = row.name?;
        // Microsoft's SSL_ERR_ names stand for themselves.
        let bare = name.starts_with("SSL_ERR_");
        Some(if bare { name.to_owned() } else { format!("{}{name}", self.prefix()) })
    }

    /// A code as people write it: those of small tables in decimal.
    pub fn code(self, code: u32) -> String {
        match self {
            Table::Alert
            | Table::Negotiation
            | Table::Kerberos
            | Table::McsResult
            | Table::ClientBuild
            | Table::KeyboardType
            | Table::ConnectionType => code.to_string(),
            Table::Icmp => {
                let (version, kind) = (code >> 24, code >> 16 & 0xff);
                let of = match u8::try_from(code & 0xffff) {
                    Ok(code) => format!(" code {code}"),
                    Err(_) => String::new(),
                };
                format!("{} type {kind}{of}", if version == 6 { "ICMPv6" } else { "ICMP" })
            }
            _ => format!("0x{code:X}"),
        }
    }

    /// Whether its numbers are found without its name.
    #[cfg(test)]
    pub(super) fn by_number(self) -> bool {
        Table::order(0, true).contains(&self)
    }

    /// The table that this word, as [`super::key`] writes it, stands for.
    pub(super) fn named(word: &str) -> Option<Table> {
        Table::ALL.into_iter().find(|table| table.info().aliases.contains(&word))
    }
}
