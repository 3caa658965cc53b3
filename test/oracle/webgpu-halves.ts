// The families in two halves of about as many shaders, for two processes that run side by side. What an adapter in
// software takes longest for is to translate a shader; on one device it does so once, so all steps of a family are taken
// in the same half.

/** Of a case or recipe, by its name as `FAMILY-...`: from A to L. The others are the second half. */
export function isFirstHalf(name: string): boolean {
  return name < "m";
}
