#![allow(missing_docs)]
use super::*;
use crate::base::*;
use crate::packet::*;
pub struct Config {
    pub ports: Vec<u16>,
}
#[derive(Debug)]
pub struct Connections<R>(std::marker::PhantomData<R>);
pub enum Finished<R> {
    Session {
        facts: TcpFacts,
        reader: Option<R>,
    },
    Other {
        client: std::net::SocketAddr,
        server: std::net::SocketAddr,
        packets: PerDir<u64>,
        bytes: PerDir<u64>,
    },
}
impl<R: Reader> Connections<R> {
    pub fn new(_limits: &Limits, _config: Config) -> Self {
        Self(std::marker::PhantomData)
    }
    pub fn segment(&mut self, _meta: &Meta, _segment: &Segment<'_>, _make: &mut impl FnMut(&TcpFacts) -> R) {}
    pub fn icmp(&mut self, _meta: &Meta, _error: &IcmpError) {}
    pub fn advance(&mut self, _now: Timestamp) {}
    pub fn finish(&mut self) {}
    pub fn poll(&mut self) -> Option<Finished<R>> {
        None
    }
}
