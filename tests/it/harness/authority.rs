//! A certificate authority, and the certificates that it signs.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    date_time_ymd,
};
use rustls::crypto::aws_lc_rs;
use ureq::tls::{Certificate, ClientCert, PrivateKey, RootCerts, TlsConfig};

/// An authority that nobody trusts who was not told to.
#[derive(Debug)]
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: String,
}

/// A certificate and its key, in PEM.
#[derive(Clone, Debug)]
pub(crate) struct Pair {
    /// The certificate.
    pub(crate) certificate: String,
    /// Its key.
    pub(crate) key: String,
}

impl Authority {
    /// Makes one of this name.
    pub(crate) fn new(name: &str) -> Self {
        let key = KeyPair::generate().expect("keys can be made");
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        let certificate = params.self_signed(&key).expect("it signs itself").pem();
        Self { issuer: Issuer::new(params, key), certificate }
    }

    /// Its own certificate, in PEM.
    pub(crate) fn certificate(&self) -> &str {
        &self.certificate
    }

    /// Signs a certificate for this machine, or for a client of it.
    pub(crate) fn sign(&self) -> Pair {
        self.sign_until(2100)
    }

    /// Signs one that expires at the beginning of the year.
    pub(crate) fn sign_until(&self, year: i32) -> Pair {
        let key = KeyPair::generate().expect("keys can be made");
        let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
        let mut params = CertificateParams::new(names).expect("they are names");
        params.distinguished_name.push(DnType::CommonName, "fanfare");
        params.not_after = date_time_ymd(year, 1, 1);
        let certificate = params.signed_by(&key, &self.issuer).expect("it signs").pem();
        Pair { certificate, key: key.serialize_pem() }
    }

    /// TLS of a client that trusts this authority alone.
    pub(crate) fn trusted(&self) -> TlsConfig {
        self.trusted_by(None)
    }

    /// TLS of a client that trusts this authority, and says who it is.
    pub(crate) fn trusted_by(&self, client: Option<&Pair>) -> TlsConfig {
        let certificate = |pem: &str| Certificate::from_pem(pem.as_bytes()).expect("it is PEM");
        let client = client.map(|pair| {
            let key = PrivateKey::from_pem(pair.key.as_bytes()).expect("it is PEM");
            ClientCert::new_with_certs(&[certificate(&pair.certificate)], key)
        });
        TlsConfig::builder()
            .unversioned_rustls_crypto_provider(Arc::new(aws_lc_rs::default_provider()))
            .root_certs(RootCerts::new_with_certs(&[certificate(&self.certificate)]))
            .client_cert(client)
            .build()
    }
}
