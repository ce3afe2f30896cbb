//! PEM files, and what a listener makes of them.

use std::{
    fmt::{self, Display},
    fs, io,
    path::PathBuf,
    sync::Arc,
};

use jiff::Timestamp;
use rustls::{
    ServerConfig,
    crypto::{CryptoProvider, aws_lc_rs},
    pki_types::{
        CertificateDer, PrivateKeyDer,
        pem::{self, PemObject},
    },
    server::{VerifierBuilderError, WebPkiClientVerifier, danger::ClientCertVerifier},
    sign::{CertifiedKey, SingleCertAndKey},
};
use sha2::{Digest as _, Sha256};

use super::expiry::expiry_of;
use crate::model::OneLine;

/// A file, and the setting that names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    pub(super) section: &'static str,
    pub(super) key: &'static str,
    pub(super) path: PathBuf,
}

/// `tls.key_file /etc/fanfare/tls.key`.
impl Display for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{} {}", self.section, self.key, OneLine(self.path.display()))
    }
}

/// The files of one listener.
#[derive(Clone, Debug)]
pub(super) struct Files {
    pub(super) certificate: File,
    pub(super) key: File,
    pub(super) client_ca: Option<File>,
}

/// What the files hold, or why they hold nothing usable; and the digest that tells this look at
/// them from the next.
pub(super) struct Look {
    pub(super) seen: Seen,
    pub(super) found: Result<Identity, FilesError>,
}

/// A digest, so that no second copy of a key is kept.
pub(super) type Seen = [u8; 32];

/// What a listener shows to its clients.
#[derive(Debug)]
pub(super) struct Identity {
    pub(super) server: Arc<ServerConfig>,
    /// When the listener's own certificate expires, if it says so in a form that is understood.
    pub(super) expires: Option<Timestamp>,
}

/// Why files cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// A file cannot be read.
    #[error("cannot read {file}")]
    Read {
        /// The file.
        file: File,
        /// What the system said.
        source: io::Error,
    },
    /// What stands between the PEM lines is no base64, or a line is missing.
    #[error("{file} is damaged; it has to be PEM")]
    Pem {
        /// The file.
        file: File,
        /// Where it is damaged.
        source: pem::Error,
    },
    /// A file without a certificate.
    #[error("{file} holds no certificate; one begins with -----BEGIN CERTIFICATE-----")]
    NoCertificate {
        /// The file.
        file: File,
    },
    /// A file without a key, or with an encrypted one.
    #[error(
        "{file} holds no private key that can be read; it has to be PEM without a passphrase: \
         PKCS #8, PKCS #1 or SEC 1"
    )]
    NoKey {
        /// The file.
        file: File,
        /// What the file has instead.
        source: pem::Error,
    },
    /// The key is that of another certificate.
    #[error("{key} is not the key of the first certificate in {certificate}; take the pair of one")]
    Mismatch {
        /// The certificate.
        certificate: Box<File>,
        /// The key.
        key: Box<File>,
    },
    /// A key or a certificate of a kind that no client would take.
    #[error("{key} and {certificate} cannot be used for TLS")]
    Unusable {
        /// The certificate.
        certificate: Box<File>,
        /// The key.
        key: Box<File>,
        /// Why.
        source: rustls::Error,
    },
    /// A certificate that is no authority's.
    #[error("{file} holds a certificate that cannot be trusted as an authority")]
    Authority {
        /// The file.
        file: File,
        /// Why.
        source: rustls::Error,
    },
    /// Authorities that cannot be verified with.
    #[error("{file} cannot be used to verify clients")]
    Verifier {
        /// The file.
        file: File,
        /// Why.
        source: VerifierBuilderError,
    },
}

impl Files {
    /// Reads all of them. It waits for the disk.
    pub(super) fn look(&self) -> Look {
        let mut digest = Sha256::new();
        let mut read = |file: &File| {
            let read = fs::read(&file.path);
            match &read {
                Ok(bytes) => {
                    digest.update((bytes.len() as u64).to_le_bytes());
                    digest.update(bytes);
                }
                Err(cause) => digest.update(cause.kind().to_string()),
            }
            read.map_err(|source| FilesError::Read { file: file.clone(), source })
        };
        // Each is read even if one before it cannot be: the digest is about all of them.
        let (certificate, key) = (read(&self.certificate), read(&self.key));
        let client_ca = self.client_ca.as_ref().map(&mut read).transpose();
        let found = (|| self.identity(&certificate?, &key?, client_ca?.as_deref()))();
        Look { seen: digest.finalize().into(), found }
    }

    fn identity(
        &self,
        certificate: &[u8],
        key: &[u8],
        client_ca: Option<&[u8]>,
    ) -> Result<Identity, FilesError> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let chain = certificates(&self.certificate, certificate)?;
        let expires = chain.first().and_then(|certificate| expiry_of(certificate));
        let pair = self.pair(chain, key, &provider)?;
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .expect("the provider has suites for TLS 1.2 and 1.3");
        let builder = match self.client_ca.as_ref().zip(client_ca) {
            Some((file, pem)) => builder.with_client_cert_verifier(verifier(file, pem, provider)?),
            None => builder.with_no_client_auth(),
        };
        let mut server = builder.with_cert_resolver(Arc::new(SingleCertAndKey::from(pair)));
        server.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Identity { server: Arc::new(server), expires })
    }

    fn pair(
        &self,
        chain: Vec<CertificateDer<'static>>,
        key: &[u8],
        provider: &CryptoProvider,
    ) -> Result<CertifiedKey, FilesError> {
        let key = PrivateKeyDer::from_pem_slice(key)
            .map_err(|source| FilesError::NoKey { file: self.key.clone(), source })?;
        CertifiedKey::from_der(chain, key, provider).map_err(|source| {
            let files = (self.certificate.clone().into(), self.key.clone().into());
            let (certificate, key) = files;
            match source {
                rustls::Error::InconsistentKeys(_) => FilesError::Mismatch { certificate, key },
                source => FilesError::Unusable { certificate, key, source },
            }
        })
    }
}

/// The certificates of a file, at least one.
pub(super) fn certificates(
    file: &File,
    pem: &[u8],
) -> Result<Vec<CertificateDer<'static>>, FilesError> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let chain = chain.map_err(|source| FilesError::Pem { file: file.clone(), source })?;
    if chain.is_empty() {
        return Err(FilesError::NoCertificate { file: file.clone() });
    }
    Ok(chain)
}

fn verifier(
    file: &File,
    pem: &[u8],
    provider: Arc<CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, FilesError> {
    let mut authorities = rustls::RootCertStore::empty();
    for certificate in certificates(file, pem)? {
        authorities
            .add(certificate)
            .map_err(|source| FilesError::Authority { file: file.clone(), source })?;
    }
    WebPkiClientVerifier::builder_with_provider(Arc::new(authorities), provider)
        .build()
        .map_err(|source| FilesError::Verifier { file: file.clone(), source })
}
