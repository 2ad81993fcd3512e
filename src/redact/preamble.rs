//! What may stay of what stands before RDP in a stream: HTTP, SOCKS, a PROXY header. Whether it is one's question
//! or the other's answer is told by its form.

use super::{Kinds, Redactor};

/// A stream's beginning as it may stay, if it is known; RDP may begin behind it.
pub(super) fn preamble(redactor: &Redactor, bytes: &[u8]) -> Option<Vec<u8>> {
    http(redactor, bytes)
        .or_else(|| socks5(redactor, bytes))
        .or_else(|| socks4(redactor, bytes))
        .or_else(|| proxy(redactor, bytes))
        .or_else(|| proxy_v2(redactor, bytes))
        .or_else(|| ssh(redactor, bytes))
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).take(1 << 14).position(|window| window == what)
}

/// Up to the empty line: of a question its method and the port, of an answer its status.
fn http(redactor: &Redactor, bytes: &[u8]) -> Option<Vec<u8>> {
    const METHODS: [&[u8]; 6] = [b"CONNECT ", b"GET ", b"POST ", b"HEAD ", b"OPTIONS ", b"PUT "];
    let method = METHODS.iter().find(|method| bytes.starts_with(method)).map(|method| method.len());
    let answer = (bytes.starts_with(b"HTTP/1.") && bytes.len() >= 12).then_some(12);
    let head = method.or(answer)?;
    let end = find(bytes, b"\r\n\r\n").map_or(bytes.len().min(1 << 14), |end| end + 4);
    let mut made = bytes.get(..head)?.to_vec();
    let line = head + find(bytes.get(head..)?, b"\r\n").unwrap_or(end - head);
    let mut rest = head;
    if method.is_some()
        && let Some(version) = bytes.get(head..line)?.iter().rposition(|byte| *byte == b' ')
        && matches!(
            bytes.get(head + version..line)?,
            [b' ', b'H', b'T', b'T', b'P', b'/', b'0'..=b'9', b'.', b'0'..=b'9']
        )
    {
        // The port's digits are no name, and the version is needed.
        let target = bytes.get(head..head + version)?;
        let digits = target.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
        let before = target.len() - digits;
        let port = if target.get(..before)?.ends_with(b":") { before } else { target.len() };
        made.extend(redactor.words(target.get(..port)?));
        made.extend_from_slice(target.get(port..)?);
        made.extend_from_slice(bytes.get(head + version..line)?);
        rest = line;
    }
    made.extend(redactor.words(bytes.get(rest..end)?));
    Some(made)
}

/// RFC 1928, with the login of RFC 1929.
fn socks5(redactor: &Redactor, bytes: &[u8]) -> Option<Vec<u8>> {
    let &[5, count, ..] = bytes else { return None };
    let methods = 2 + usize::from(count);
    let asks = |at: usize| match bytes.get(at..at + 3) {
        Some([5, 1..=3, 0]) => true,
        Some([1, ..]) => true,
        _ => bytes.len() == at,
    };
    let question = count > 0 && asks(methods);
    let mut at = if question { methods } else { 2 };
    let mut made = bytes.get(..at)?.to_vec();
    if bytes.get(at) == Some(&1) {
        // Name and password, or whether they were right.
        let user = usize::from(*bytes.get(at + 1)?);
        let length = if question { 3 + user + usize::from(*bytes.get(at + 2 + user)?) } else { 2 };
        let login = bytes.get(at..at + length)?;
        made.extend(
            login
                .iter()
                .enumerate()
                .map(|(index, byte)| if !question || index < 2 || index == 2 + user { *byte } else { b'x' }),
        );
        at += length;
    }
    let Some(&[version, code, reserved, kind]) = bytes.get(at..at + 4) else { return Some(made) };
    if version != 5 || reserved != 0 {
        return Some(made);
    }
    made.extend([version, code, reserved, kind]);
    at += 4;
    let length = match kind {
        1 => 4,
        4 => 16,
        3 => 1 + usize::from(*bytes.get(at)?),
        _ => return Some(made),
    };
    let target = bytes.get(at..at + length)?;
    match target {
        [length, name @ ..] if kind == 3 => {
            made.push(*length);
            made.extend(redactor.words(name));
        }
        _ => made.extend(address(redactor, target)),
    }
    made.extend_from_slice(bytes.get(at + length..at + length + 2)?);
    Some(made)
}

fn socks4(redactor: &Redactor, bytes: &[u8]) -> Option<Vec<u8>> {
    let question = matches!(bytes, [4, 1 | 2, ..]);
    if !question && !matches!(bytes, [0, 0x5a..=0x5d, ..]) {
        return None;
    }
    let mut made = bytes.get(..4)?.to_vec();
    let ip = bytes.get(4..8)?;
    // 0.0.0.x: the name follows.
    let named = matches!(ip, [0, 0, 0, 1..=255]);
    made.extend(if named { ip.to_vec() } else { address(redactor, ip) });
    for _ in 0..if question { 1 + usize::from(named) } else { 0 } {
        let text = bytes.get(made.len()..)?;
        let end = text.iter().take(256).position(|byte| *byte == 0)?;
        made.extend(redactor.words(text.get(..end)?));
        made.push(0);
    }
    Some(made)
}

/// Version 1: "PROXY TCP4 source target port port".
fn proxy(redactor: &Redactor, bytes: &[u8]) -> Option<Vec<u8>> {
    let line = bytes.strip_prefix(b"PROXY ")?;
    let end = find(line.get(..line.len().min(128))?, b"\r\n")?;
    let words: Vec<&[u8]> = line.get(..end)?.split(|byte| *byte == b' ').collect();
    let mut made = b"PROXY ".to_vec();
    for (at, word) in words.iter().enumerate() {
        if at > 0 {
            made.push(b' ');
        }
        let kept = matches!(*word, b"TCP4" | b"TCP6" | b"UNKNOWN") || word.iter().all(u8::is_ascii_digit);
        made.extend(match at {
            1 | 2 if is_address(word) => same_length(redactor, word),
            _ if kept => word.to_vec(),
            _ => redactor.words(word),
        });
    }
    made.extend_from_slice(b"\r\n");
    Some(made)
}

fn is_address(word: &[u8]) -> bool {
    std::str::from_utf8(word).is_ok_and(|word| word.parse::<std::net::IpAddr>().is_ok())
}

/// An address in as many characters.
fn same_length(redactor: &Redactor, text: &[u8]) -> Vec<u8> {
    let id = redactor.id(text);
    let part = |(part, noise): (&[u8], &u8)| match part.len() {
        1 => format!("{}", noise % 9 + 1),
        2 => format!("{}", noise % 90 + 10),
        _ => format!("{}", u16::from(noise % 124) + 100),
    };
    if text.contains(&b':') {
        // Groups of IPv6, in digits that are hexadecimal too.
        let digits = redactor.id(text);
        let digit =
            |(byte, noise): (&u8, &u8)| if byte.is_ascii_hexdigit() { b'1' + noise % 9 } else { *byte };
        return text.iter().zip(digits.iter()).map(digit).collect();
    }
    text.split(|byte| *byte == b'.').zip(&id).map(part).collect::<Vec<_>>().join(".").into_bytes()
}

/// Version 2: signature, command, family, length, addresses.
fn proxy_v2(redactor: &Redactor, bytes: &[u8]) -> Option<Vec<u8>> {
    let head = bytes.strip_prefix(b"\r\n\r\n\0\r\nQUIT\n")?;
    let &[_, family, high, low, ..] = head else { return None };
    let length = usize::from(u16::from_be_bytes([high, low]));
    let body = head.get(4..4 + length)?;
    let mut made = bytes.get(..16)?.to_vec();
    let size = match family >> 4 {
        1 => 4,
        2 => 16,
        _ => 0,
    };
    if size > 0 {
        made.extend(address(redactor, body.get(..size)?));
        made.extend(address(redactor, body.get(size..2 * size)?));
        made.extend_from_slice(body.get(2 * size..2 * size + 4)?);
    }
    // Further fields say what they like.
    made.resize(16 + length, 0);
    Some(made)
}

/// The version of SSH; which program speaks it is no part of that.
fn ssh(redactor: &Redactor, bytes: &[u8]) -> Option<Vec<u8>> {
    const KNOWN: [&[u8]; 2] = [b"SSH-2.0-", b"SSH-1.99-"];
    let known = KNOWN.iter().find(|known| bytes.starts_with(known))?;
    let end = find(bytes, b"\n")?;
    let rest = redactor.words(bytes.get(known.len()..end)?);
    Some([known, rest.as_slice(), b"\n"].concat())
}

fn address(redactor: &Redactor, bytes: &[u8]) -> Vec<u8> {
    let mut made = bytes.to_vec();
    if redactor.kinds().contains(Kinds::ADDRESSES) {
        redactor.ip_bytes(&mut made);
    }
    made
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_line_stays_that_is_not_known() {
        let redactor = Redactor::new(b"key", Kinds::ALL);
        let lines: [&[u8]; 8] = [
            b"CONNECT secret.example:3389 HTTP/1.1\r\nHost: secret\r\nProxy-Authorization: Basic secret\r\n\r\n",
            b"CONNECT secret:secret@secret:3389 HTTP/1.1\r\n\r\n",
            b"GET http://secret:8080/secret?a=b:secret HTTP/1.1\r\n\r\n",
            b"GET /secret secret\r\n\r\n",
            b"POST secret",
            b"HTTP/1.1 407 secret\r\nServer: secret\r\n\r\n",
            b"PROXY TCP4 192.0.2.1 192.0.2.2 1000 3389 secret\r\n",
            b"PROXY UNKNOWN secret secret secret\r\n",
        ];
        for line in lines {
            let made = preamble(&redactor, line).unwrap();
            let text = String::from_utf8_lossy(&made);
            assert_eq!(made.len(), line.len(), "{text}");
            assert!(!text.contains("secret") && !text.contains("192.0"), "{text}");
        }
        let connect = preamble(&redactor, lines[0]).unwrap();
        assert!(
            connect.starts_with(b"CONNECT ")
                && String::from_utf8_lossy(&connect).contains(":3389 HTTP/1.1\r\n")
        );
    }
}
