//! Numbers from the wire stay open: a value that nobody named yet is shown, never dropped.

/// Defines a newtype over an integer with named constants and `name()`.
macro_rules! open_enum {
    ($(#[$meta:meta])* $vis:vis struct $name:ident($int:ty) {
        $($(#[$vmeta:meta])* $value:ident = $number:expr,)*
    }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        $vis struct $name(pub $int);

        #[allow(dead_code)]
        impl $name {
            $($(#[$vmeta])* pub const $value: $name = $name($number);)*

            /// The specification's name, or `None` where the value is not a known one.
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($number => Some(stringify!($value)),)*
                    _ => None,
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                match self.name() {
                    Some(name) => f.write_str(name),
                    None => write!(f, "{:#x}", self.0),
                }
            }
        }
    };
}

/// Defines a newtype over an integer whose bits have names.
macro_rules! open_flags {
    ($(#[$meta:meta])* $vis:vis struct $name:ident($int:ty) {
        $($(#[$vmeta:meta])* $value:ident = $number:expr,)*
    }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
        $vis struct $name(pub $int);

        #[allow(dead_code)]
        impl $name {
            $($(#[$vmeta])* pub const $value: $name = $name($number);)*

            /// Whether every bit of `other` is set.
            pub const fn contains(self, other: $name) -> bool {
                self.0 & other.0 == other.0
            }

            /// The names of the bits that are set, lowest first; bits without a name are left out.
            pub fn names(self) -> Vec<&'static str> {
                let mut names = Vec::new();
                $(if Self::$value.0 != 0 && self.contains(Self::$value) { names.push(stringify!($value)); })*
                names
            }
        }
    };
}

pub(crate) use {open_enum, open_flags};
