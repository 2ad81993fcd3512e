//! The two directions of a conversation.

use std::ops::{Index, IndexMut};

/// Which way something went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Dir {
    /// From the end that opened the connection.
    ClientToServer,
    /// From the end that was connected to.
    ServerToClient,
}

impl Dir {
    /// Both directions, the client's first.
    pub const BOTH: [Dir; 2] = [Dir::ClientToServer, Dir::ServerToClient];

    /// The opposite direction.
    pub const fn flip(self) -> Self {
        match self {
            Dir::ClientToServer => Dir::ServerToClient,
            Dir::ServerToClient => Dir::ClientToServer,
        }
    }

    /// The end that sends in this direction: "client" or "server".
    pub const fn sender(self) -> &'static str {
        match self {
            Dir::ClientToServer => "client",
            Dir::ServerToClient => "server",
        }
    }

    /// The name used in reports: "client_to_server" or "server_to_client".
    pub const fn as_str(self) -> &'static str {
        match self {
            Dir::ClientToServer => "client_to_server",
            Dir::ServerToClient => "server_to_client",
        }
    }
}

/// One value for each direction, indexed by [`Dir`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PerDir<T> {
    /// What concerns the client's packets.
    pub client_to_server: T,
    /// What concerns the server's packets.
    pub server_to_client: T,
}

impl<T> PerDir<T> {
    /// Both values, each made for its direction.
    pub fn from_fn(mut f: impl FnMut(Dir) -> T) -> Self {
        PerDir { client_to_server: f(Dir::ClientToServer), server_to_client: f(Dir::ServerToClient) }
    }

    /// Applies `f` to both values.
    pub fn map<U>(&self, mut f: impl FnMut(&T) -> U) -> PerDir<U> {
        PerDir { client_to_server: f(&self.client_to_server), server_to_client: f(&self.server_to_client) }
    }
}

impl<T> Index<Dir> for PerDir<T> {
    type Output = T;
    fn index(&self, dir: Dir) -> &T {
        match dir {
            Dir::ClientToServer => &self.client_to_server,
            Dir::ServerToClient => &self.server_to_client,
        }
    }
}

impl<T> IndexMut<Dir> for PerDir<T> {
    fn index_mut(&mut self, dir: Dir) -> &mut T {
        match dir {
            Dir::ClientToServer => &mut self.client_to_server,
            Dir::ServerToClient => &mut self.server_to_client,
        }
    }
}
