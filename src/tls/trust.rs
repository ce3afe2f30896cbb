//! Whom fanfare trusts where it is the client of an operator's own service.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use rustls::{
    crypto::aws_lc_rs,
    pki_types::{
        CertificateDer,
        pem::{self, PemObject},
    },
};
use ureq::tls::{Certificate, ClientCert, PrivateKey, RootCerts, TlsConfig};

/// Why authorities cannot be trusted.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// The file cannot be read.
    #[error("cannot read the authorities in {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is damaged.
    #[error("the certificates in {} are damaged; the file has to be PEM", path.display())]
    Pem {
        /// The file.
        path: PathBuf,
        /// Where it is damaged.
        source: pem::Error,
    },
    /// A file by which a client is known cannot be read.
    #[error("cannot read {}", path.display())]
    Identity {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file holds no key.
    #[error("{} holds no usable key; one begins with -----BEGIN PRIVATE KEY-----", path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: Box<ureq::Error>,
    },
    /// The file holds no certificate.
    #[error("{} holds no certificate; one begins with -----BEGIN CERTIFICATE-----", path.display())]
    NoCertificate {
        /// The file.
        path: PathBuf,
    },
}

/// The files by which a client is known.
#[derive(Clone, Copy, Debug)]
pub struct Identity<'a> {
    /// Its certificate, followed by what leads to an authority.
    pub certificate: &'a Path,
    /// The key of that certificate.
    pub key: &'a Path,
}

/// TLS for requests that trust the authorities of this file, or those of the machine.
pub fn trust(authorities: Option<&Path>) -> Result<TlsConfig, TrustError> {
    trust_as(authorities, None)
}

/// The same, as this client.
pub fn trust_as(
    authorities: Option<&Path>,
    identity: Option<Identity<'_>>,
) -> Result<TlsConfig, TrustError> {
    let authorities = match authorities {
        Some(path) => read(path)?,
        None => rustls_native_certs::load_native_certs().certs,
    };
    let authorities = authorities.iter().map(|der| Certificate::from_der(der).to_owned());
    Ok(TlsConfig::builder()
        .unversioned_rustls_crypto_provider(Arc::new(aws_lc_rs::default_provider()))
        .root_certs(RootCerts::from(authorities))
        .client_cert(identity.map(known_as).transpose()?)
        .build())
}

fn known_as(Identity { certificate, key }: Identity<'_>) -> Result<ClientCert, TrustError> {
    let read = |path: &Path| {
        fs::read(path).map_err(|source| TrustError::Identity { path: path.into(), source })
    };
    let unusable = |source| TrustError::Key { path: key.into(), source: Box::new(source) };
    let private = PrivateKey::from_pem(&read(key)?).map_err(unusable)?;
    let chain = certificates(&read(certificate)?, certificate)?;
    let chain: Vec<_> = chain.iter().map(|der| Certificate::from_der(der).to_owned()).collect();
    Ok(ClientCert::new_with_certs(&chain, private))
}

fn read(path: &Path) -> Result<Vec<CertificateDer<'static>>, TrustError> {
    let pem = fs::read(path).map_err(|source| TrustError::Read { path: path.into(), source })?;
    certificates(&pem, path)
}

fn certificates(pem: &[u8], path: &Path) -> Result<Vec<CertificateDer<'static>>, TrustError> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let read = read.map_err(|source| TrustError::Pem { path: path.into(), source })?;
    if read.is_empty() {
        return Err(TrustError::NoCertificate { path: path.into() });
    }
    Ok(read)
}
