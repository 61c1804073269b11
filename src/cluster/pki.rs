//! The keys and certificates of a cluster, made once and kept in its volume (docs/architecture.md, "Files of a component").

mod files;

use std::collections::BTreeMap;
use std::net::IpAddr;

use anyhow::{Context, anyhow};
use rand::RngExt;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType,
};

pub(crate) use files::{component_files, kubeconfig};

/// The key material of a cluster: the files of its volume, by name, and what signs more.
pub(crate) struct Pki {
    files: BTreeMap<String, Vec<u8>>,
    issuer: Issuer<'static, KeyPair>,
}

/// Who a certificate is for.
struct Subject<'a> {
    common_name: &'a str,
    organization: Option<&'a str>,
    /// Names and addresses of a server's certificate; none makes a client's.
    names: &'a [String],
    usage: &'a [ExtendedKeyUsagePurpose],
}

/// A certificate and its key, as PEM.
pub(crate) struct Pair {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

/// The files that make a volume complete.
const NEEDED: &[&str] = &[
    "ca.crt",
    "ca.key",
    "apiserver.crt",
    "apiserver.key",
    "apiserver-kubelet-client.crt",
    "apiserver-kubelet-client.key",
    "service-account.key",
    "service-account.pub",
    "token-users",
    "basic-users",
    "admin.crt",
    "admin.key",
];

impl Pki {
    /// Makes everything new. `api_names` are the names and addresses under which the API server is reached.
    ///
    /// # Errors
    /// When a key cannot be made.
    pub(crate) fn generate(cluster: &str, api_names: &[String]) -> anyhow::Result<Self> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::default();
        params.distinguished_name = name(&format!("{cluster} certificate authority"), None);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        valid_for_ten_years(&mut params);
        let certificate = params.self_signed(&key)?;
        let mut files = BTreeMap::from([
            ("ca.crt".to_owned(), certificate.pem().into_bytes()),
            ("ca.key".to_owned(), key.serialize_pem().into_bytes()),
        ]);
        let issuer = Issuer::new(params, key);
        let server = Subject {
            common_name: "apiserver",
            organization: None,
            names: api_names,
            usage: &[ExtendedKeyUsagePurpose::ServerAuth],
        };
        insert(&mut files, "apiserver", sign(&issuer, &server)?);
        for (file, common_name) in
            [("apiserver-kubelet-client", "kube-apiserver-kubelet-client"), ("admin", "kubernetes-admin")]
        {
            insert(&mut files, file, client(&issuer, common_name, Some("system:masters"))?);
        }
        let tokens = KeyPair::generate()?;
        files.insert("service-account.key".into(), tokens.serialize_pem().into_bytes());
        files.insert("service-account.pub".into(), tokens.public_key_pem().into_bytes());
        let token: String = rand::rng().random::<[u8; 32]>().iter().map(|byte| format!("{byte:02x}")).collect();
        files.insert("token-users".into(), format!("{token},cluster-admin,cluster-admin,system:masters\n").into());
        files.insert("basic-users".into(), "admin,admin,admin,system:masters\n".into());
        Ok(Self { files, issuer })
    }

    /// Takes what the cluster's volume holds; nothing where a file is missing, which only an interrupted `up` leaves.
    ///
    /// # Errors
    /// When the authority's key or certificate cannot be read.
    pub(crate) fn from_files(files: BTreeMap<String, Vec<u8>>) -> anyhow::Result<Option<Self>> {
        if !NEEDED.iter().all(|name| files.contains_key(*name)) {
            return Ok(None);
        }
        let pem = |name: &str| std::str::from_utf8(&files[name]).with_context(|| format!("read {name} of the volume"));
        let key = KeyPair::from_pem(pem("ca.key")?).context("read ca.key of the volume")?;
        let issuer = Issuer::from_ca_cert_pem(pem("ca.crt")?, key).context("read ca.crt of the volume")?;
        Ok(Some(Self { files, issuer }))
    }

    /// The files of the volume.
    pub(crate) fn files(&self) -> &BTreeMap<String, Vec<u8>> {
        &self.files
    }

    /// One of them, as text.
    ///
    /// # Errors
    /// When the volume does not hold it as text.
    pub(crate) fn text(&self, name: &str) -> anyhow::Result<String> {
        let bytes = self.files.get(name).ok_or_else(|| anyhow!("{name} is not in the cluster's volume"))?;
        Ok(String::from_utf8(bytes.clone())?)
    }

    /// A new client certificate.
    ///
    /// # Errors
    /// When the key cannot be made.
    pub(crate) fn client(&self, common_name: &str, organization: Option<&str>) -> anyhow::Result<Pair> {
        client(&self.issuer, common_name, organization)
    }

    /// A new server certificate for `names`, of a node.
    ///
    /// # Errors
    /// When the key cannot be made or a name is none.
    pub(crate) fn node_server(&self, hostname: &str, names: &[String]) -> anyhow::Result<Pair> {
        let common_name = format!("system:node:{hostname}");
        sign(
            &self.issuer,
            &Subject {
                common_name: &common_name,
                organization: Some("system:nodes"),
                names,
                usage: &[ExtendedKeyUsagePurpose::ServerAuth],
            },
        )
    }
}

fn insert(files: &mut BTreeMap<String, Vec<u8>>, name: &str, pair: Pair) {
    files.insert(format!("{name}.crt"), pair.certificate.into_bytes());
    files.insert(format!("{name}.key"), pair.key.into_bytes());
}

fn client(issuer: &Issuer<'_, KeyPair>, common_name: &str, organization: Option<&str>) -> anyhow::Result<Pair> {
    sign(issuer, &Subject { common_name, organization, names: &[], usage: &[ExtendedKeyUsagePurpose::ClientAuth] })
}

fn sign(issuer: &Issuer<'_, KeyPair>, subject: &Subject<'_>) -> anyhow::Result<Pair> {
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::default();
    params.distinguished_name = name(subject.common_name, subject.organization);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = subject.usage.to_vec();
    params.use_authority_key_identifier_extension = true;
    for name in subject.names {
        params.subject_alt_names.push(match name.parse::<IpAddr>() {
            Ok(address) => SanType::IpAddress(address),
            Err(_) => SanType::DnsName(name.as_str().try_into().with_context(|| format!("{name} is no DNS name"))?),
        });
    }
    valid_for_ten_years(&mut params);
    let certificate = params.signed_by(&key, issuer)?;
    Ok(Pair { certificate: certificate.pem(), key: key.serialize_pem() })
}

fn name(common_name: &str, organization: Option<&str>) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    if let Some(organization) = organization {
        name.push(DnType::OrganizationName, organization);
    }
    name.push(DnType::CommonName, common_name);
    name
}

/// From yesterday, as clocks differ, for ten years: a cluster outlives no certificate of its own.
fn valid_for_ten_years(params: &mut CertificateParams) {
    let today = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date();
    let date = |date: jiff::civil::Date| {
        // A day of at most 28 exists in every month of every year.
        rcgen::date_time_ymd(i32::from(date.year()), date.month().unsigned_abs(), date.day().unsigned_abs().min(28))
    };
    let yesterday = today.yesterday().unwrap_or(today);
    params.not_before = date(yesterday);
    params.not_after = date(today.saturating_add(jiff::Span::new().years(10)));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pki() -> Pki {
        Pki::generate("gtest", &["localhost".into(), "10.10.10.1".into()]).unwrap()
    }

    #[test]
    fn everything_that_is_needed_is_made() {
        let pki = pki();
        let made: Vec<&str> = pki.files().keys().map(String::as_str).collect();
        let mut needed = NEEDED.to_vec();
        needed.sort_unstable();
        assert_eq!(made, needed);
        assert_eq!(pki.text("token-users").unwrap().find(','), Some(64));
    }

    #[test]
    fn what_was_read_back_signs_what_the_first_one_trusts() {
        let first = pki();
        let again = Pki::from_files(first.files().clone()).unwrap().unwrap();
        let pair = again.client("system:node:mesosslave1", Some("system:nodes")).unwrap();
        let issued = pem_issuer_and_subject(&pair.certificate);
        let authority = pem_issuer_and_subject(&first.text("ca.crt").unwrap());
        assert_eq!(issued.0, authority.1);
        assert_eq!(issued.1, "O=system:nodes, CN=system:node:mesosslave1");
    }

    #[test]
    fn an_incomplete_volume_is_none() {
        let mut files = pki().files().clone();
        files.remove("admin.key");
        assert!(Pki::from_files(files).unwrap().is_none());
    }

    fn pem_issuer_and_subject(pem: &str) -> (String, String) {
        let (_, pem) = x509_parser::pem::parse_x509_pem(pem.as_bytes()).unwrap();
        let certificate = pem.parse_x509().unwrap();
        (certificate.issuer().to_string(), certificate.subject().to_string())
    }
}
