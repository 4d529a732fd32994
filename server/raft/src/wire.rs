//! A strict reader of the protobuf wire format, run over bytes before the generated code decodes them.
//!
//! The generated code (protobuf 2) is lenient where a peer's bytes deserve no leniency: it skips nested groups by
//! recursion (a few kilobytes overflow the stack, which no unwinding catches), keeps unknown fields in memory, turns
//! unknown enum values into zero, and lets a packed list or empty elements blow up to many times their wire size.
//! Here only what the schema names passes, and everything that repeats has a limit.

/// What a field of a message may hold.
#[derive(Clone, Copy)]
pub enum Kind {
    /// A varint of any value.
    Varint,
    /// A varint up to and including a value: an enum or a bool.
    Enum(u64),
    /// Bytes.
    Bytes,
    /// `repeated uint64`, packed or not.
    Ids,
    /// A nested message.
    Nested(&'static Schema),
}

/// The fields of a message: number and kind.
pub struct Schema {
    pub name: &'static str,
    pub fields: &'static [(u32, Kind)],
}

/// More entries than any sender puts into a message (they hold at least an index and a term, so they bound memory).
const REPEATED_MAX: usize = 1 << 18;
/// More members than any group has.
const IDS_BYTES_MAX: usize = 16 << 10;

pub static ENTRY: Schema = Schema {
    name: "entry",
    fields: &[
        (1, Kind::Enum(2)),
        (2, Kind::Varint),
        (3, Kind::Varint),
        (4, Kind::Bytes),
        (5, Kind::Enum(1)),
        (6, Kind::Bytes),
    ],
};

pub static CONF_STATE: Schema = Schema {
    name: "conf state",
    fields: &[
        (1, Kind::Ids),
        (2, Kind::Ids),
        (3, Kind::Ids),
        (4, Kind::Ids),
        (5, Kind::Enum(1)),
    ],
};

static SNAPSHOT_METADATA: Schema = Schema {
    name: "snapshot metadata",
    fields: &[(1, Kind::Nested(&CONF_STATE)), (2, Kind::Varint), (3, Kind::Varint)],
};

static SNAPSHOT: Schema = Schema {
    name: "snapshot",
    fields: &[(1, Kind::Bytes), (2, Kind::Nested(&SNAPSHOT_METADATA))],
};

pub static MESSAGE: Schema = Schema {
    name: "message",
    fields: &[
        (1, Kind::Enum(18)),
        (2, Kind::Varint),
        (3, Kind::Varint),
        (4, Kind::Varint),
        (5, Kind::Varint),
        (6, Kind::Varint),
        (7, Kind::Nested(&ENTRY)),
        (8, Kind::Varint),
        (9, Kind::Nested(&SNAPSHOT)),
        (10, Kind::Enum(1)),
        (11, Kind::Varint),
        (12, Kind::Bytes),
        (13, Kind::Varint),
        (14, Kind::Varint),
        (15, Kind::Varint),
        (16, Kind::Varint),
    ],
};

pub static CONF_CHANGE: Schema = Schema {
    name: "conf change",
    fields: &[
        (1, Kind::Varint),
        (2, Kind::Enum(2)),
        (3, Kind::Varint),
        (4, Kind::Bytes),
    ],
};

static CONF_CHANGE_SINGLE: Schema = Schema {
    name: "conf change item",
    fields: &[(1, Kind::Enum(2)), (2, Kind::Varint)],
};

pub static CONF_CHANGE_V2: Schema = Schema {
    name: "conf change",
    fields: &[
        (1, Kind::Enum(2)),
        (2, Kind::Nested(&CONF_CHANGE_SINGLE)),
        (3, Kind::Bytes),
    ],
};

/// Check bytes against a schema. The error says what is wrong and where.
pub fn check(data: &[u8], schema: &'static Schema) -> Result<(), String> {
    // The schemas nest three deep and no message nests in itself, so this recursion is bounded by them.
    let mut at = 0;
    let mut nested = 0usize;
    while at < data.len() {
        let start = at;
        let tag = varint(data, &mut at, schema)?;
        let number = u32::try_from(tag >> 3).unwrap_or(0);
        let Some((_, kind)) = schema.fields.iter().find(|(n, _)| *n == number) else {
            return Err(format!("{}: unknown field {} at byte {start}", schema.name, tag >> 3));
        };
        match (tag & 7, kind) {
            (0, Kind::Varint | Kind::Ids) => {
                varint(data, &mut at, schema)?;
            }
            (0, Kind::Enum(max)) => {
                let value = varint(data, &mut at, schema)?;
                if value > *max {
                    return Err(format!("{}: field {number} has no value {value}", schema.name));
                }
            }
            (2, Kind::Bytes) => {
                span(data, &mut at, schema)?;
            }
            (2, Kind::Ids) => {
                let packed = span(data, &mut at, schema)?;
                if packed.len() > IDS_BYTES_MAX {
                    return Err(format!("{}: too many ids in field {number}", schema.name));
                }
                let mut inner = 0;
                while inner < packed.len() {
                    varint(packed, &mut inner, schema)?;
                }
            }
            (2, Kind::Nested(inner)) => {
                nested += 1;
                if nested > REPEATED_MAX {
                    return Err(format!("{}: too many elements in field {number}", schema.name));
                }
                check(span(data, &mut at, schema)?, inner)?;
            }
            (wire, _) => {
                return Err(format!(
                    "{}: field {number} has wire type {wire} at byte {start}",
                    schema.name
                ));
            }
        }
    }
    Ok(())
}

fn varint(data: &[u8], at: &mut usize, schema: &Schema) -> Result<u64, String> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let Some(&byte) = data.get(*at) else {
            return Err(format!("{}: cut off at byte {at}", schema.name));
        };
        *at += 1;
        if shift == 63 && byte > 1 {
            break;
        }
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(format!("{}: number beyond 64 bits at byte {at}", schema.name))
}

fn span<'a>(data: &'a [u8], at: &mut usize, schema: &Schema) -> Result<&'a [u8], String> {
    let length = usize::try_from(varint(data, at, schema)?).unwrap_or(usize::MAX);
    let rest = &data[*at..];
    if length > rest.len() {
        return Err(format!("{}: cut off at byte {}", schema.name, data.len()));
    }
    *at += length;
    Ok(&rest[..length])
}

#[cfg(test)]
#[allow(clippy::field_reassign_with_default)] // As protobuf messages are built.
mod tests {
    use super::*;
    use protobuf::Message as _;
    use raft::eraftpb::{ConfState, Entry, Message, MessageType};

    #[test]
    fn accepts_what_the_generated_code_writes() {
        let mut message = Message::default();
        message.set_msg_type(MessageType::MsgRequestPreVoteResponse);
        message.to = u64::MAX;
        message.priority = -1;
        message.reject = true;
        message.context = b"c".to_vec().into();
        let mut entry = Entry::default();
        entry.index = 7;
        entry.data = vec![1, 2, 3].into();
        message.mut_entries().push(entry);
        let mut conf = ConfState::default();
        conf.voters = vec![1, 2, u64::MAX];
        conf.auto_leave = true;
        message.mut_snapshot().mut_metadata().set_conf_state(conf);
        assert_eq!(check(&message.write_to_bytes().unwrap(), &MESSAGE), Ok(()));
    }

    #[test]
    fn refuses_groups_unknown_fields_and_bad_lengths() {
        for (bytes, why) in [
            (&[0x1b, 0x1b, 0x1b][..], "wire type 3"),
            (&[0xa3, 0x06][..], "unknown field"),
            (&[0x08, 19][..], "no value 19"),
            (&[0x10][..], "cut off"),
            (&[0x62, 0x05, 0x00][..], "cut off"),
            (
                &[0x10, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02][..],
                "beyond 64 bits",
            ),
            (&[0x3a, 0x02, 0x08, 0x03][..], "no value 3"),
        ] {
            let error = check(bytes, &MESSAGE).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
    }
}
