// Bytes -> base64, in plain TypeScript: the compiler knows neither Node's Buffer nor a browser's btoa.

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

const codes = Uint8Array.from(alphabet, (letter) => letter.charCodeAt(0));
const padding = "=".charCodeAt(0);

export function encodeBase64(bytes: Uint8Array): string {
  const letters = new Uint8Array(Math.ceil(bytes.length / 3) * 4).fill(padding);
  for (let at = 0, to = 0; at < bytes.length; at += 3, to += 4) {
    const left = bytes.length - at;
    const word = (bytes[at]! << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
    letters[to] = codes[word >>> 18]!;
    letters[to + 1] = codes[(word >>> 12) & 63]!;
    if (left > 1) letters[to + 2] = codes[(word >>> 6) & 63]!;
    if (left > 2) letters[to + 3] = codes[word & 63]!;
  }
  const parts: string[] = [];
  for (let at = 0; at < letters.length; at += 8192)
    parts.push(String.fromCharCode(...letters.subarray(at, at + 8192)));
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
