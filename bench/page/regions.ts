// A page that is partly written by hand: what stands between `<!-- begin NAME -->` and `<!-- end NAME -->` is made by a
// command and replaced by it; everything else is left as it is.

/** @throws Error where the page has no such region */
export function fillRegions(page: string, regions: Readonly<Record<string, string>>): string {
  return Object.entries(regions).reduce((text, [name, content]) => {
    const [begin, end] = [`<!-- begin ${name} -->`, `<!-- end ${name} -->`];
    const [from, to] = [text.indexOf(begin), text.indexOf(end)];
    if (from < 0 || to < from) throw new Error(`the page has no region ${name}`);
    return `${text.slice(0, from + begin.length)}\n\n${content.trim()}\n\n${text.slice(to)}`;
  }, page);
}
