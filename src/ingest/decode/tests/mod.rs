//! What decoding promises: real bodies, the forms they come in, what is refused, and that
//! nothing a client sent in confidence gets through.

mod attributes;
mod bodies;
mod captures;
mod confidence;
mod dialects;
mod forms;
mod rejections;
mod robustness;
