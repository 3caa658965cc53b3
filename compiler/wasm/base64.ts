// Bytes -> base64, in plain TypeScript: the compiler knows neither Node's Buffer nor a browser's btoa.

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

export function encodeBase64(bytes: Uint8Array): string {
  const parts: string[] = [];
  for (let at = 0; at < bytes.length; at += 3) {
    const [a, b, c] = [bytes[at]!, bytes[at + 1], bytes[at + 2]];
    const word = (a << 16) | ((b ?? 0) << 8) | (c ?? 0);
    parts.push(
      alphabet[word >>> 18]! +
        alphabet[(word >>> 12) & 63]! +
        (b === undefined ? "=" : alphabet[(word >>> 6) & 63]!) +
        (c === undefined ? "=" : alphabet[word & 63]!),
    );
  }
  return parts.join("");
}

export function decodeBase64(text: string): Uint8Array<ArrayBuffer> {
  const clean = text.replace(/=+$/, "");
  const bytes = new Uint8Array(Math.floor((clean.length * 3) / 4));
  const value = new Map([...alphabet].map((letter, place) => [letter, place]));
  let word = 0;
  let bits = 0;
  let at = 0;
  for (const letter of clean) {
    word = ((word << 6) | value.get(letter)!) & 0xffffff;
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    bytes[at++] = (word >>> bits) & 0xff;
  }
  return bytes;
}
