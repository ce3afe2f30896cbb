//! The promises of fanfare, held against the real binary and a real moto: one module a promise.
//!
//! Nothing here is a double of fanfare, and nothing sleeps: a test waits for what it is promised.
#![cfg(test)]

#[path = "../aws/mod.rs"]
#[expect(dead_code, reason = "the benches use the rest")]
mod aws;
mod harness;
#[path = "../oracle/mod.rs"]
#[expect(dead_code, reason = "the soak uses the rest")]
mod oracle;

mod destinations; // each of the four gets the right message
mod destination_tables; // what [[destination]] says holds for that destination alone
mod fifo; // where it is allowed, the order of each key is the destination's to keep
mod dialects; // what every store sends is understood
mod ceph; // a real store, from its own API to the queue
mod filters; // prefix and suffix, on the encoded key
mod explain; // why an event goes where it goes
mod reload; // a changed document applies at once, a broken one harms nobody
mod restart; // what was accepted is sent after a stop
mod faults; // what was accepted is sent after a crash, and whatever else can happen
mod dead_letters; // what a destination will not take is seen, sent again, or removed
mod quarantine; // what a store sent and nobody could take is seen, taken after all, or removed
mod replay; // what was delivered is sent again
mod outage; // a dead destination delays nobody else
mod bad_input; // what is refused, and how
mod config_api; // the S3 API, with boto3 as the client
mod tls; // the three listeners over TLS
mod admin; // who may ask
mod metrics; // what /metrics says is listed, linted and true
mod status; // what is wrong and what helps, at one look
mod openapi; // the admin port does what its description says
mod operator; // the commands reach the admin port, over TLS and with its token
mod prometheus; // what operators watch it with: scrape, alert rules, dashboard
mod send; // what a file holds arrives as if a store had sent it
mod tail; // who watches sees what happens, and holds nothing up
mod traces; // what a collector is told, and what goes on to AWS
mod shutdown; // a stop does not wait for a dead destination
mod systemd; // what the service manager hands over, is told, and may rely on
mod package; // installed, upgraded and removed on a real Debian
