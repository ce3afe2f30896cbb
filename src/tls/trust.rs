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
use ureq::tls::{Certificate, RootCerts, TlsConfig};

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
    #[error("the authorities in {} are damaged; the file has to be PEM", path.display())]
    Pem {
        /// The file.
        path: PathBuf,
        /// Where it is damaged.
        source: pem::Error,
    },
    /// The file holds no certificate.
    #[error("{} holds no certificate; one begins with -----BEGIN CERTIFICATE-----", path.display())]
    NoCertificate {
        /// The file.
        path: PathBuf,
    },
}

/// TLS for requests that trust the authorities of this file, or those of the machine.
pub fn trust(authorities: Option<&Path>) -> Result<TlsConfig, TrustError> {
    let authorities = match authorities {
        Some(path) => read(path)?,
        None => rustls_native_certs::load_native_certs().certs,
    };
    let authorities = authorities.iter().map(|der| Certificate::from_der(der).to_owned());
    Ok(TlsConfig::builder()
        .unversioned_rustls_crypto_provider(Arc::new(aws_lc_rs::default_provider()))
        .root_certs(RootCerts::from(authorities))
        .build())
}

fn read(path: &Path) -> Result<Vec<CertificateDer<'static>>, TrustError> {
    let pem = fs::read(path).map_err(|source| TrustError::Read { path: path.into(), source })?;
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let read = read.map_err(|source| TrustError::Pem { path: path.into(), source })?;
    if read.is_empty() {
        return Err(TrustError::NoCertificate { path: path.into() });
    }
    Ok(read)
}
