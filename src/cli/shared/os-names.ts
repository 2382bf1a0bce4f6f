/** Every name that an operating system can be installed by: "debian+minimal" for each variant, or its own. */
export function osNames(name: string, variants: readonly string[] | null): string[] {
  return variants && variants.length > 0 ? variants.map((variant) => `${name}+${variant}`) : [name];
}
