//! How much fits into one request, by the service's own rules.

/// What one request to a destination may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Messages a request.
    pub entries: usize,
    /// Bytes a request, by the service's own way of counting.
    pub bytes: usize,
}
