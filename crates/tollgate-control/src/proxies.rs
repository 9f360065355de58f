//! Remote proxies: what they subscribe to the key feed with, which there are, and what each enforces.

mod access_key;
mod applied;
mod certificate;
mod registered;
mod roll;

pub use access_key::{AccessKey, Capability, MOST_OF_REGION, Proof};
pub use applied::{Applied, Outcome};
pub use certificate::{CertificateMark, PresentedCertificate};
pub use registered::RegisteredProxy;
pub use roll::{HEARTBEAT, Heard, Newcomer, NotRegistered, Roll, Session};
