//! Keys, certificates and tokens of a server. Shared by the tests and the bench.

use std::path::Path;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair};

/// The token of a user who is in no group.
pub(crate) const TOKEN: &str = "0123456789abcdef";
/// The token of a user who may do everything.
pub(crate) const MASTERS_TOKEN: &str = "fedcba9876543210";

/// The keys and tokens of a cluster, by the names of docs/architecture.md.
pub(crate) fn write(directory: &Path) {
    let file = |name: &str, text: &str| std::fs::write(directory.join(name), text).unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    file("ca.crt", &authority.pem());
    for (pair, name, group) in [
        ("apiserver", "apiserver", ""),
        ("apiserver-kubelet-client", "apiserver-kubelet-client", "system:masters"),
        ("admin", "admin", "system:masters"),
        ("node", "system:node:n1", "system:nodes"),
        ("scheduler", "system:kube-scheduler", ""),
    ] {
        let mut params = CertificateParams::new(vec!["127.0.0.1".to_owned(), "localhost".to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        if !group.is_empty() {
            params.distinguished_name.push(DnType::OrganizationName, group);
        }
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        let key = KeyPair::generate().unwrap();
        file(&format!("{pair}.crt"), &params.signed_by(&key, &authority).unwrap().pem());
        file(&format!("{pair}.key"), &key.serialize_pem());
    }
    let key = KeyPair::generate().unwrap();
    file("service-account.key", &key.serialize_pem());
    file("service-account.pub", &key.public_key_pem());
    file("token-users", &format!("{TOKEN},ann,7\n{MASTERS_TOKEN},root,1,system:masters\n"));
    file("basic-users", "admin,admin,admin\n");
}
