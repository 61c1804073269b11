//! Config maps, secrets and service accounts: how much they hold.

use super::{AGE, NAME, Printer, age, column, items, name, size, text};

pub(super) static CONFIG_MAPS: Printer = Printer {
    columns: &[NAME, column("Data", "How many keys there are."), AGE],
    cells: |object, now| {
        vec![name(object), (size(&object["data"]) + size(&object["binaryData"])).into(), age(object, now)]
    },
};

pub(super) static SECRETS: Printer = Printer {
    columns: &[NAME, column("Type", "What the secret is for."), column("Data", "How many keys there are."), AGE],
    cells: |object, now| {
        vec![name(object), text(&object["type"]).into(), size(&object["data"]).into(), age(object, now)]
    },
};

pub(super) static SERVICE_ACCOUNTS: Printer = Printer {
    columns: &[NAME, column("Secrets", "How many secrets pods of the account may use."), AGE],
    cells: |object, now| vec![name(object), items(&object["secrets"]).count().into(), age(object, now)],
};
