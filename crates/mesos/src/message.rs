//! How a protobuf message of Mesos becomes a Rust struct: `message!`, `enumeration!` and `envelope!`.
//!
//! Fields are written as the reference's wire schema writes them, with a mark behind the name: `!` required, `?` optional,
//! `*` repeated, `=` always emitted with the type's zero as its default.

/// Declares structs of the wire. See the module's head for the marks.
macro_rules! message {
    ($($(#[$meta:meta])* pub struct $name:ident { $($body:tt)* })+) => {
        $(message!(@fields [$(#[$meta])*] $name [] $($body)*);)+
    };
    (@fields $meta:tt $name:ident [$($done:tt)*] $field:ident ! $kind:ty, $($rest:tt)*) => {
        message!(@fields $meta $name [$($done)* pub $field: $kind,] $($rest)*);
    };
    (@fields $meta:tt $name:ident [$($done:tt)*] $field:ident ? $kind:ty, $($rest:tt)*) => {
        message!(@fields $meta $name
            [$($done)* #[serde(default, skip_serializing_if = "Option::is_none")] pub $field: Option<$kind>,] $($rest)*);
    };
    (@fields $meta:tt $name:ident [$($done:tt)*] $field:ident * $kind:ty, $($rest:tt)*) => {
        message!(@fields $meta $name
            [$($done)* #[serde(default, skip_serializing_if = "Vec::is_empty")] pub $field: Vec<$kind>,] $($rest)*);
    };
    (@fields $meta:tt $name:ident [$($done:tt)*] $field:ident = $kind:ty, $($rest:tt)*) => {
        message!(@fields $meta $name [$($done)* #[serde(default)] pub $field: $kind,] $($rest)*);
    };
    (@fields [$($meta:tt)*] $name:ident [$($done:tt)*]) => {
        $($meta)*
        #[allow(missing_docs, reason = "fields are named and meant as in Mesos' own schema")]
        #[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
        pub struct $name { $($done)* }
    };
}

/// Declares an enum of the wire, known there by its variants' names in capitals. The first variant is the default;
/// `_ => Variant` names the one that stands for names of a newer Mesos.
macro_rules! enumeration {
    ($($(#[$meta:meta])* pub enum $name:ident {
        $first:ident = $first_name:literal $(, $variant:ident = $variant_name:literal)* $(,)? $(; _ => $other:ident)?
    })+) => {
        $($(#[$meta])*
        #[allow(missing_docs, reason = "variants are named and meant as in Mesos' own schema")]
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        pub enum $name {
            #[default]
            #[serde(rename = $first_name)]
            $first,
            $(#[serde(rename = $variant_name)] $variant,)*
            $(#[serde(other, rename = "UNKNOWN")] $other,)?
        }

        impl $name {
            /// The name on the wire.
            pub fn name(self) -> &'static str {
                match self {
                    Self::$first => $first_name,
                    $(Self::$variant => $variant_name,)*
                    $(Self::$other => "UNKNOWN",)?
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.name())
            }
        })+
    };
}

/// Declares a call or event: an enum of its types with their bodies, and the wire form beside it,
/// `{"type": "X", "<x in small letters>": {…}}`, in which every body is optional. `header` fields stand beside the type.
macro_rules! envelope {
    (
        $(#[$meta:meta])* pub enum $name:ident;
        $(#[$wire_meta:meta])* pub struct $wire:ident { $($header:ident : $header_kind:ty),* $(,)? }
        $($variant:ident $type_name:literal $(: $field:ident $body:ty)? ,)+
    ) => {
        $(#[$meta])*
        #[allow(missing_docs, reason = "variants are named and meant as in Mesos' own schema")]
        #[allow(clippy::large_enum_variant, reason = "moved once between a stream and its reader")]
        #[derive(Debug, Clone, PartialEq)]
        pub enum $name {
            $($variant $(($body))?,)+
            /// A type that this version does not know.
            Unknown,
        }

        $(#[$wire_meta])*
        #[allow(missing_docs, reason = "fields are named and meant as in Mesos' own schema")]
        #[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
        pub struct $wire {
            $(#[serde(default, skip_serializing_if = "Option::is_none")] pub $header: Option<$header_kind>,)*
            #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
            pub kind: Option<String>,
            $($(#[serde(default, skip_serializing_if = "Option::is_none")] pub $field: Option<$body>,)?)+
        }

        impl $name {
            /// The name of this type on the wire.
            pub fn type_name(&self) -> &'static str {
                match self {
                    $(Self::$variant $((envelope!(@ignore $field)))? => $type_name,)+
                    Self::Unknown => "UNKNOWN",
                }
            }

            /// Takes the type and its body out of the wire form.
            ///
            /// # Errors
            /// Mesos' own sentence where the type or the body that it needs is missing.
            pub fn from_wire(wire: &mut $wire) -> Result<Self, $crate::json::Invalid> {
                match wire.kind.as_deref() {
                    $(Some($type_name) => Ok(Self::$variant
                        $((wire.$field.take().ok_or($crate::json::Invalid::missing(stringify!($field)))?))?),)+
                    Some(_) => Ok(Self::Unknown),
                    None => Err($crate::json::Invalid::missing("type")),
                }
            }

            /// Puts the type and its body into a wire form without header fields.
            pub fn into_wire(self) -> $wire {
                let mut wire = $wire { kind: Some(self.type_name().to_owned()), ..$wire::default() };
                match self {
                    $(envelope!(@bind $variant body $($field)?) => { $(wire.$field = Some(envelope!(@body body $field));)? })+
                    Self::Unknown => {}
                }
                wire
            }
        }
    };
    (@ignore $field:ident) => { _ };
    (@bind $variant:ident $bound:ident $field:ident) => { Self::$variant($bound) };
    (@bind $variant:ident $bound:ident) => { Self::$variant };
    (@body $bound:ident $field:ident) => { $bound };
}

/// An envelope without header fields serializes as its wire form.
macro_rules! bare_envelope {
    ($name:ident, $wire:ident) => {
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                self.clone().into_wire().serialize(serializer)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Self::from_wire(&mut $wire::deserialize(deserializer)?).map_err(serde::de::Error::custom)
            }
        }
    };
}

pub(crate) use {bare_envelope, enumeration, envelope, message};
