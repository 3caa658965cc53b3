// `FILE:NAME@VARIANT`, as a person names a thing in a file: `specs/vit.vit:ViT@B/16`. Name and variant may be left out.

export interface SpecTarget {
  readonly file: string;
  readonly name?: string;
  readonly variant?: string;
}

/** The parts of a target. The extension `.vit` may be left out too. */
export function parseTarget(text: string): SpecTarget {
  const [, file = "", rest = ""] =
    /^(.*?\.vit)((?:[:@].*)?)$/s.exec(text) ?? withoutExtension(text);
  const [, name, variant] = /^(?::([^@]*))?(?:@(.*))?$/s.exec(rest) ?? [];
  return { file, ...(name ? { name } : {}), ...(variant ? { variant } : {}) };
}

function withoutExtension(text: string): readonly string[] {
  const at = text.search(/[:@]/);
  return at === -1 ? [text, `${text}.vit`, ""] : [text, `${text.slice(0, at)}.vit`, text.slice(at)];
}

export function showTarget({ file, name, variant }: SpecTarget): string {
  return `${file}${name ? `:${name}` : ""}${variant ? `@${variant}` : ""}`;
}
