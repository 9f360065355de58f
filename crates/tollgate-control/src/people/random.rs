//! Random text for ids and secrets.

use zeroize::Zeroizing;

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Random letters and digits, evenly spread: 5.95 bits each.
///
/// # Errors
/// If the system has no randomness.
pub fn random_text(length: usize) -> Result<Zeroizing<String>, getrandom::Error> {
    let mut text = Zeroizing::new(String::with_capacity(length));
    let mut random = Zeroizing::new([0; 64]);
    while text.len() < length {
        getrandom::fill(random.as_mut_slice())?;
        for byte in random.iter() {
            // 248 is the greatest multiple of 62 that fits: what is above is drawn again.
            let letter = ALPHABET.get(usize::from(*byte) % ALPHABET.len());
            if let Some(letter) = letter.filter(|_| *byte < 248 && text.len() < length) {
                text.push(char::from(*letter));
            }
        }
    }
    Ok(text)
}
